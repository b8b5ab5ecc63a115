package outbox

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Two noisy tenants both wait, and both go on.
func TestBackpressure_TenantsAboveTheirShareWaitForTheNodeOrForTheirOwnPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := NewBackpressure(100)
		a, b := node.Tenant(), node.Tenant()
		a.Add(60)
		b.Add(60)
		var passed atomic.Int64
		wait := func(p *Backpressure) {
			go func() {
				if p.Wait(t.Context()) == nil {
					passed.Add(1)
				}
			}()
			synctest.Wait()
		}
		wait(a)
		wait(b)
		if passed.Load() != 0 {
			t.Fatal("a tenant above its share went on")
		}
		a.Add(-40) // 20 is below half of its share, though the node is at 80
		synctest.Wait()
		if passed.Load() != 1 {
			t.Fatalf("%d went on when one had fallen below its share", passed.Load())
		}
		b.Add(-15)
		a.Add(-15) // the node is at 50
		synctest.Wait()
		if passed.Load() != 2 {
			t.Errorf("%d went on when the node had fallen", passed.Load())
		}
	})
}

// A connection whose token leads it to a tenant counts there, with what waits for it.
func TestBackpressure_WaitingBytesCountForTheTenantOfTheLogin(t *testing.T) {
	n := NewBackpressure(1 << 20)
	o := newOutbox(&wakeCounter{}, 1<<20, 100)
	o.backpressure, o.counted = nil, false
	o.send(frameOf(100))
	tenant := n.Tenant()
	if o.SetBackpressure(tenant); tenant.bytes.Load() != 100 || n.bytes.Load() != 100 {
		t.Errorf("%d and %d count", tenant.bytes.Load(), n.bytes.Load())
	}
	o.ack(o.Take(nil, 1<<20))
	o.SetBackpressure(n.Tenant()) // the first tenant stays
	o.send(frameOf(50))
	o.Close()
	if tenant.bytes.Load() != 0 || n.bytes.Load() != 0 || n.activeTenants.Load() != 0 {
		t.Errorf("%d and %d are left of %d", tenant.bytes.Load(), n.bytes.Load(), n.activeTenants.Load())
	}
}

// At random: tenants come and go, bytes are added and written at any time, and no waiting publisher is forgotten. A
// lost wake-up ends the test as a deadlock.
func TestBackpressure_NoWaitingPublisherIsForgotten(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, round))
			node := NewBackpressure(10_000)
			var all sync.WaitGroup
			for range 1 + rng.IntN(5) {
				tenant := node.Tenant()
				for range 1 + rng.IntN(20) {
					own := rand.New(rand.NewPCG(rng.Uint64(), round))
					all.Go(func() {
						for range 20 {
							if err := tenant.Wait(context.Background()); err != nil {
								t.Error(err)
							}
							size := own.IntN(4000)
							tenant.Add(size)
							time.Sleep(time.Duration(own.IntN(1000)) * time.Microsecond)
							tenant.Add(-size)
						}
					})
				}
			}
			all.Wait()
			if node.bytes.Load() != 0 || node.activeTenants.Load() != 0 {
				t.Errorf("%d bytes of %d tenants are left", node.bytes.Load(), node.activeTenants.Load())
			}
		})
	}
}
