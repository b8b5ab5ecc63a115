package actors

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
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

// DESIGN.md section 8, promise 6: the readers of a noisy tenant slow down its own publishers and nobody else's.
func TestBackpressure_OfANoisyTenantDelaysNoPublishOfAQuietOne(t *testing.T) {
	bubble(t, Config{Backlog: 64 << 10, PublishWait: time.Minute}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "noisy"})
		synctest.Wait()
		var noisy []*client
		for i := range 20 {
			c := &client{&tape{}, &hand{}}
			if _, err := n.Connect(ConnectOptions{Tenant: "noisy", Dialect: words, Session: c.hand,
				Identity: someone(fmt.Sprint(i))},
				func(l *Conn) outbox.Transport { c.link = l; return c.tape }); err != nil {
				t.Fatal(err)
			}
			noisy = append(noisy, c.subscribe(t, "room"))
			c.stop(true)
		}
		quiet := enter(t, n, words, someone("q")).subscribe(t, "room")
		big, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
			Data: fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("x"), 1000))})
		if err != nil {
			t.Fatal(err)
		}
		var passed atomic.Int64
		for range 50 {
			go func() {
				for range 10 {
					if _, err := n.Publish(context.Background(), "noisy", Target{Topic: "room"}, big); err == nil {
						passed.Add(1)
					}
				}
			}()
		}
		synctest.Wait()
		full := n.backlog.Bytes()
		if passed.Load() >= 500 || full < 64<<10 {
			t.Fatalf("%d noisy publishes passed, the backlog is %d: the test does not test", passed.Load(), full)
		}
		before := passed.Load()
		for i := range 1000 {
			start := time.Now()
			if r := mustPublish(t, n, "room", jsonEvent(t, "", i)); r.Delivered != 1 || time.Since(start) != 0 {
				t.Fatalf("publish %d: %+v after %s", i, r, time.Since(start))
			}
			synctest.Wait()
		}
		if got := len(quiet.heard()); got != 1000 {
			t.Errorf("the quiet reader heard %d", got)
		}
		if passed.Load() != before {
			t.Error("a noisy publisher went on in the quiet one's shade")
		}
		for _, c := range noisy {
			c.stop(false)
		}
		synctest.Wait()
		if passed.Load() != 500 || n.backlog.Bytes() != 0 || n.backlog.ActiveTenants() != 0 {
			t.Errorf("%d passed when all was read, backlog %d of %d tenants", passed.Load(), n.backlog.Bytes(),
				n.backlog.ActiveTenants())
		}
	})
}
