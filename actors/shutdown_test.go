package actors

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// F14: a drain goes by a rate: a few connections are closed within a second, spread over it so that they do not all
// come back at one moment; many take as long as the rate wants, and less when there is less time.
func TestDrain_IsPacedByARateAndNotStretched(t *testing.T) {
	for _, c := range []struct {
		count          int
		limit, between time.Duration // the last one is closed within half a second of between
	}{
		{1, 32 * time.Second, 500 * time.Millisecond},
		{40, 32 * time.Second, time.Second},
		{40, 3 * time.Second, 800 * time.Millisecond},
		{3000, 32 * time.Second, 3 * time.Second},
		{3000, 4 * time.Second, 1600 * time.Millisecond},
	} {
		bubble(t, Config{}, func(n *Node) {
			for i := range c.count {
				enter(t, n, words, someone(fmt.Sprint(i)))
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), c.limit)
			defer cancel()
			half := make(chan int, 1)
			time.AfterFunc(c.between/2, func() { half <- len(n.allConns()) })
			began := time.Now()
			if err := n.Drain(ctx); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < c.between-100*time.Millisecond ||
				took > c.between+500*time.Millisecond {
				t.Errorf("%d with %s to go took %s, want about %s", c.count, c.limit, took, c.between)
			}
			if left := <-half; c.count > 1 && (left < c.count/3 || left > c.count*2/3) {
				t.Errorf("%d of %d are left after half the time", left, c.count)
			}
		})
	}
}

// Promise 7: check 48, the engine's part.
func TestDrain_IsPacedTellsAllInTheirDialectsWordsAndLetsNobodyIn(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	bubble(t, Config{}, func(n *Node) {
		const count = 8000 // of which all the time that there is allows for the rate
		var all []*client
		for i := range count {
			all = append(all, enter(t, n, words, someone(fmt.Sprint(i))))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 12*time.Second)
		defer cancel()
		done := make(chan error)
		start := time.Now()
		go func() { done <- n.Drain(ctx) }()
		for second := range 7 {
			time.Sleep(time.Second)
			synctest.Wait()
			left, want := int(int64(len(n.allConns()))), count-count*(second+1)/8
			if left < want-count/20 || left > want+count/20 {
				t.Errorf("after %d s %d are left, want about %d", second+1, left, want)
			}
			if err := n.Admit("acme", words, "", nil); reasonOf(err) != protocol.Draining || err.RetryAfter == 0 {
				t.Errorf("Admit while draining: %+v", err)
			}
			if _, err := tryEnter(n, words, someone("x"), ""); reasonOf(err) != protocol.Draining {
				t.Errorf("Connect while draining: %v", err)
			}
		}
		mustPublish(t, n, "room", jsonEvent(t, "", 1)) // a publish is still taken
		if err := <-done; err != nil || time.Since(start) > 9*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if !n.Draining() || int64(len(n.allConns())) != 0 {
			t.Errorf("draining: %v, open: %d", n.Draining(), int64(len(n.allConns())))
		}
		for _, c := range all {
			c.wantEnd(t, protocol.Draining)
			c.wantHeard(t, "bye: draining")
		}
	})
}

// deaf is a transport that does not close in peace: only Cut ends it.
type deaf struct{ *tape }

func (w *deaf) Close(uint16, string) {}

func TestDrain_CutsWhatIsLeftWhenItsTimeIsOver(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		good := enter(t, n, words, someone("good"))
		w := &deaf{&tape{}}
		_, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: &hand{}, Identity: someone("deaf")},
			func(l *Conn) outbox.Transport {
				w.link = l
				return w
			})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := n.Drain(ctx); err != context.DeadlineExceeded {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		synctest.Wait()
		good.wantEnd(t, protocol.Draining)
		if int64(len(n.allConns())) != 0 {
			t.Errorf("%d are open", int64(len(n.allConns())))
		}
	})
}

func TestDrain_WithoutADeadlineClosesAllAtOnceAndWithoutConnectionsReturnsAtOnce(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		enter(t, n, words, someone("a"))
		start := time.Now()
		if err := n.Drain(context.Background()); err != nil || time.Since(start) > 20*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		start = time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := n.Drain(ctx); err != nil || time.Since(start) != 0 {
			t.Errorf("again: %v after %s", err, time.Since(start))
		}
	})
}

// A client that comes in at that moment gets the message, too.
func TestDrain_MissesNobodyWhoComesInAtThatMoment(t *testing.T) {
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var in []*client
	stop := make(chan struct{})
	var came atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c, err := tryEnter(n, words, someone(fmt.Sprint(came.Load())), ""); err == nil {
					mu.Lock()
					in = append(in, c)
					mu.Unlock()
					came.Add(1)
				} else if err.Reason != protocol.Draining {
					t.Error(err)
				}
			}
		})
	}
	eventually(t, "200 have come", func() bool { return came.Load() >= 200 })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	if err := n.Drain(withoutDeadline{ctx}); err != nil {
		t.Errorf("Drain: %v", err)
	}
	close(stop)
	wg.Wait()
	for _, c := range in {
		c.wantEnd(t, protocol.Draining)
	}
}

func TestDrain_WaitsForAConnectionWhoseTransportIsBeingMade(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := &client{&tape{}, &hand{}}
		drained := make(chan error)
		_, refusal := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: c.hand, Identity: someone("a")},
			func(l *Conn) outbox.Transport {
				c.link = l
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					drained <- n.Drain(ctx)
				}()
				for range 10_000 { // it looks for connections now, if it does not wait for this one
					runtime.Gosched()
				}
				return c.tape
			})
		if err := <-drained; refusal != nil || err != nil {
			t.Errorf("Connect: %v, Drain: %v", refusal, err)
		}
		synctest.Wait()
		c.wantEnd(t, protocol.Draining)
	})
}

// withoutDeadline has Drain close all at once.
type withoutDeadline struct{ context.Context }

func (withoutDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }
