package actors

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// DESIGN.md section 8, promise 6: the readers of a noisy tenant slow down its own publishers and nobody else's.
func TestBacklog_ANoisyTenantsFullBacklogDelaysNoPublishOfAQuietOne(t *testing.T) {
	bubble(t, Config{Backlog: 64 << 10, PublishWait: time.Minute}, func(n *Node) {
		n.SetTenant(TenantConfig{Name: "noisy"})
		synctest.Wait()
		var noisy []*client
		for i := range 20 {
			c := &client{&tape{}, &hand{}}
			if _, why := n.Connect(Dial{Tenant: "noisy", Dialect: words, Session: c.hand, Identity: someone(fmt.Sprint(i))},
				func(l *Link) Wire { c.link = l; return c.tape }); why != nil {
				t.Fatal(why)
			}
			noisy = append(noisy, c.subscribe(t, "room"))
			c.stop(true)
		}
		quiet := enter(t, n, words, someone("q")).subscribe(t, "room")
		big, err := protocol.NewEvent(protocol.Draft{Kind: protocol.JSON, Data: fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("x"), 1000))})
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
		full := n.backlog.bytes.Load()
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
		if passed.Load() != 500 || n.backlog.bytes.Load() != 0 || n.backlog.sharers.Load() != 0 {
			t.Errorf("%d passed when all was read, backlog %d of %d tenants", passed.Load(), n.backlog.bytes.Load(), n.backlog.sharers.Load())
		}
	})
}

// Both wait if both are noisy, and both go on.
func TestBacklog_TenantsThatAreAboveTheirShareWaitForTheWholeOrForTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newBacklog(100)
		a, b := whole.part(), whole.part()
		a.add(60)
		b.add(60)
		var passed atomic.Int64
		wait := func(p *Backlog) {
			go func() {
				if p.wait(t.Context()) == nil {
					passed.Add(1)
				}
			}()
			synctest.Wait()
		}
		wait(a)
		wait(b)
		if passed.Load() != 0 {
			t.Fatal("one above its share went on")
		}
		a.add(-40) // 20 is below half of its share, though the whole is at 80
		synctest.Wait()
		if passed.Load() != 1 {
			t.Fatalf("%d went on when one had fallen below its share", passed.Load())
		}
		b.add(-15)
		a.add(-15) // the whole is at 50
		synctest.Wait()
		if passed.Load() != 2 {
			t.Errorf("%d went on when the whole had fallen", passed.Load())
		}
	})
}

// A connection that comes to its tenant by its token counts there, with what waits for it.
func TestBacklog_WhatWaitsCountsForTheTenantThatALoginLeadsTo(t *testing.T) {
	n := newBacklog(1 << 20)
	o := newOutbox(&bell{}, 1<<20, 100)
	o.backlog, o.counted = nil, false
	o.send(frameOf(100))
	part := n.part()
	if o.join(part); part.bytes.Load() != 100 || n.bytes.Load() != 100 {
		t.Errorf("%d and %d count", part.bytes.Load(), n.bytes.Load())
	}
	o.Wrote(o.Take(nil, 1<<20))
	o.join(n.part()) // the first tenant stays
	o.send(frameOf(50))
	o.close()
	if part.bytes.Load() != 0 || n.bytes.Load() != 0 || n.sharers.Load() != 0 {
		t.Errorf("%d and %d are left of %d", part.bytes.Load(), n.bytes.Load(), n.sharers.Load())
	}
}

// With chance: tenants come and go, bytes are added and written at any time, and nobody who waits is forgotten. A wake-up
// that is lost ends the test as a deadlock.
func TestBacklog_NobodyWhoWaitsIsForgotten(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, round))
			whole := newBacklog(10_000)
			var all sync.WaitGroup
			for range 1 + rng.IntN(5) {
				part := whole.part()
				for range 1 + rng.IntN(20) {
					own := rand.New(rand.NewPCG(rng.Uint64(), round))
					all.Go(func() {
						for range 20 {
							if err := part.wait(context.Background()); err != nil {
								t.Error(err)
							}
							size := own.IntN(4000)
							part.add(size)
							time.Sleep(time.Duration(own.IntN(1000)) * time.Microsecond)
							part.add(-size)
						}
					})
				}
			}
			all.Wait()
			if whole.bytes.Load() != 0 || whole.sharers.Load() != 0 {
				t.Errorf("%d bytes of %d tenants are left", whole.bytes.Load(), whole.sharers.Load())
			}
		})
	}
}
