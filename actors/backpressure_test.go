package actors

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestBackpressure_PublishersWaitAboveHighAndGoOnBelowLow(t *testing.T) {
	bubble(t, Config{Backlog: 10_000, PublishWait: time.Minute}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		c.stop(true)
		big := func(size int) *protocol.Event {
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
				Data: fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("x"), size))})
			if err != nil {
				t.Fatal(err)
			}
			return ev
		}
		mustPublish(t, n, "room", big(11_000))
		passed := make(chan int, 100)
		for i := range 10 {
			go func() { mustPublish(t, n, "room", big(100)); passed <- i }()
		}
		time.Sleep(30 * time.Second)
		if len(passed) != 0 {
			t.Fatal("a publisher went on above high")
		}
		c.stop(false)
		synctest.Wait()
		if len(passed) != 10 {
			t.Fatalf("%d of 10 publishers went on when all was written", len(passed))
		}
		if n.Metrics().Backlog != 0 {
			t.Errorf("backlog %d", n.Metrics().Backlog)
		}
		if drops := n.Metrics().Drops; len(drops) != 0 {
			t.Errorf("drops %v", drops)
		}
	})
}

func TestBackpressure_APublishThatWaitsTooLongGetsBusyAndOthersDoNotWaitForEver(t *testing.T) {
	bubble(t, Config{Backlog: 1000, PublishWait: 5 * time.Second}, func(n *Node) {
		n.tenant("acme").backlog.Add(1001)
		start := time.Now()
		_, err := publishTo(n, "room", jsonEvent(t, "", 1))
		if reasonOf(err) != protocol.Busy || time.Since(start) != 5*time.Second ||
			n.Metrics().Drops[protocol.Busy] != 1 {
			t.Errorf("%v after %s, drops %v", err, time.Since(start), n.Metrics().Drops)
		}
		n.tenant("acme").backlog.Add(-101) // above low, but not above high, and nobody waits any more
		start = time.Now()
		if _, err := publishTo(n, "room", jsonEvent(t, "", 1)); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		n.tenant("acme").backlog.Add(-900)
	})
}
