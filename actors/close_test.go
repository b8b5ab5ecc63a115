package actors

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// The bubble proves that every goroutine ends: it fails the test otherwise.
func TestClose_EndsEverythingWhateverGoesOn(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		var all []*client
		for i := range 20 {
			all = append(all, enter(t, n, words, someone(fmt.Sprint("u", i%5))).subscribe(t, "room",
				fmt.Sprint("room/", i)))
		}
		all[0].want(t, "slow", every(time.Hour))
		mustPublish(t, n, "slow", jsonEvent(t, "id", 1))
		mustPublish(t, n, "slow", jsonEvent(t, "", 2)) // a pending sample
		for range 4 {                                  // one of each is down
			crashTopic(n, "room")
			n.tenant("acme").users.SendUnbounded("u1", crash{"a test"})
			n.tenant("acme").box.SendUnbounded(crash{"a test"})
			synctest.Wait()
		}
		waiting := make(chan error, 2)
		go func() { waiting <- second(publishTo(n, "room", jsonEvent(t, "", 3))) }()
		go func() { waiting <- second(publishTo(n, "new", jsonEvent(t, "", 3))) }()
		synctest.Wait()
		n.Close()
		n.Close()
		for range 2 {
			if err := <-waiting; reasonOf(err) != protocol.Draining {
				t.Errorf("a publish that waited: %v", err)
			}
		}
		if int64(len(n.allConns())) != 0 || n.backlog.Bytes() != 0 {
			t.Errorf("%d open, backlog %d", int64(len(n.allConns())), n.backlog.Bytes())
		}
		// A closed node refuses, and says why.
		if _, err := publishTo(n, "room", jsonEvent(t, "", 4)); reasonOf(err) != protocol.Draining {
			t.Errorf("a publish after Close: %v", err)
		}
		if _, err := tryEnter(n, words, someone("late"), ""); reasonOf(err) != protocol.Draining {
			t.Errorf("a connection after Close: %v", err)
		}
		n.SetTenant(TenantConfig{Name: "late"})
		if got := len(n.Tenants()); got != 1 {
			t.Errorf("%d tenants after Close", got)
		}
	})
}

// A topic that is made while the node closes is stopped with it.
func TestClose_WaitsForNoTopicOrConnectionThatIsMadeAtThatMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	for range 5 {
		n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for w := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if w%2 == 0 {
						_, _ = publishTo(n, fmt.Sprint("t/", w, "/", i), jsonEvent(t, "", i))
					} else {
						_, _ = tryEnter(n, words, someone(fmt.Sprint(w, "-", i)), "")
					}
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		closed := make(chan struct{})
		go func() { n.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(20 * time.Second):
			t.Fatal("Close does not return")
		}
		close(stop)
		wg.Wait()
	}
}
