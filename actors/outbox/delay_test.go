package outbox

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// delayed makes outboxes with one delay.
func delayed(after time.Duration, count int) ([]batcher, *Delay) {
	shared := &Shared{Limits: Limits{Bytes: 1 << 20, Frames: 1000}, Delay: Delay{After: after}}
	node := NewBackpressure(1 << 30)
	all := make([]batcher, count)
	for i := range all {
		transport := &wakeCounter{}
		all[i] = batcher{&Outbox{transport: transport, shared: shared}, transport, node}
		all[i].SetBackpressure(node.Tenant())
	}
	return all, &shared.Delay
}

func (g batcher) offer(t *testing.T, when When) {
	t.Helper()
	if !g.Charge(g.Offer(frameOf(20), when)) {
		t.Fatal("refused")
	}
}

func (g batcher) wantWakes(t *testing.T, want int64) {
	t.Helper()
	synctest.Wait()
	if got := g.transport.wakes.Load(); got != want {
		t.Errorf("it was woken %d times, want %d", got, want)
	}
}

func TestDelay_WakesOnceForWhatCameMeanwhileAndEachInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(20*time.Millisecond, 3)
		a, b, c := all[0], all[1], all[2]
		a.offer(t, Delayed)
		time.Sleep(5 * time.Millisecond)
		b.offer(t, Delayed)
		a.offer(t, Delayed)
		time.Sleep(5 * time.Millisecond)
		c.offer(t, Delayed)
		a.offer(t, Delayed)
		time.Sleep(10*time.Millisecond - 1)
		a.wantWakes(t, 0)
		time.Sleep(time.Nanosecond)
		a.wantWakes(t, 1)
		b.wantWakes(t, 0)
		time.Sleep(5 * time.Millisecond)
		b.wantWakes(t, 1)
		c.wantWakes(t, 0)
		time.Sleep(5 * time.Millisecond)
		c.wantWakes(t, 1)
		if got := a.Take(nil, 1<<20); len(got) != 3 || d.active || len(d.queue) != 0 {
			t.Errorf("%d frames at once, %d outboxes in the queue", len(got), len(d.queue))
		}
	})
}

func TestDelay_WhatComesAfterAnEarlierWakeIsStillWokenForInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := delayed(20*time.Millisecond, 1)
		g := all[0]
		g.offer(t, Delayed)
		time.Sleep(15 * time.Millisecond)
		g.offer(t, AtOnce)
		g.wantWakes(t, 1)
		g.ack(g.Take(nil, 1<<20))
		g.offer(t, Delayed)
		time.Sleep(5 * time.Millisecond) // it was in the queue still
		g.wantWakes(t, 2)
		g.ack(g.Take(nil, 1<<20))
		g.offer(t, Delayed)
		time.Sleep(20 * time.Millisecond)
		g.wantWakes(t, 3)
	})
}

func TestDelay_OutboxesThatAreDueSoonAreServedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(16*time.Millisecond, 300)
		for i, g := range all {
			if i%30 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
			g.offer(t, Delayed)
		}
		time.Sleep(15100 * time.Microsecond) // the first are due, and the last within a millisecond
		for _, g := range all {
			g.wantWakes(t, 1)
		}
		if cap(d.queue) > 4*serveAtOnce {
			t.Errorf("an empty queue holds room for %d", cap(d.queue))
		}
	})
}

func TestDelay_KeepsOnlyThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(time.Second, 1000)
		for round := range 10_000 {
			g := all[round%len(all)]
			g.offer(t, Delayed)
			time.Sleep(2 * time.Millisecond) // 500 wait at a time
			g.ack(g.Take(nil, 1<<20))
		}
		synctest.Wait()
		if d.mu.Lock(); len(d.queue) > 3*500 {
			t.Errorf("%d places for 500 that wait", len(d.queue))
		}
		d.mu.Unlock()
	})
}

func TestDelay_AClosedOutboxIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(time.Second, 1)
		all[0].offer(t, Delayed)
		all[0].Close()
		time.Sleep(time.Second)
		all[0].wantWakes(t, 0)
		if d.active || all[0].node.batched.Load() != 0 {
			t.Error("it is still counted")
		}
	})
}

// Many publishers offer while transports take: at the end nothing waits, and nothing is counted.
func TestDelay_ManyAtOnceLoseNoWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := delayed(3*time.Millisecond, 50)
		var busy sync.WaitGroup
		for publisher := range 8 {
			rng := rand.New(rand.NewPCG(uint64(publisher), 3))
			busy.Go(func() {
				for range rounds(500, 3000) {
					g := all[rng.IntN(len(all))]
					g.Charge(g.Offer(frameOf(20), When(rng.IntN(3))))
					if rng.IntN(20) == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		busy.Wait()
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		for i, g := range all {
			g.Flush()
			if taken := g.Take(nil, 1<<20); g.transport.wakes.Load() == 0 && len(taken) > 0 {
				t.Errorf("outbox %d was never woken", i)
			} else {
				g.ack(taken)
			}
		}
		if node := all[0].node; node.Bytes() != 0 || node.batched.Load() != 0 {
			t.Errorf("%d bytes wait, %d are batched", node.Bytes(), node.batched.Load())
		}
	})
}

// A Delay that is never done, since outboxes come as fast as it serves them, keeps only those that wait, too.
func TestDelay_KeepsOnlyThoseThatWaitWhenItIsNeverDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(time.Millisecond, 1)
		d.active = true // it serves: the timer does not
		var due [serveAtOnce]*Outbox
		for range serveAtOnce {
			d.add(all[0].Outbox)
		}
		for range 1000 {
			time.Sleep(time.Millisecond)
			for range serveAtOnce {
				d.add(all[0].Outbox)
			}
			if n := d.take(due[:]); n != serveAtOnce {
				t.Fatalf("%d are due", n)
			}
		}
		if len(d.queue) > 4*serveAtOnce {
			t.Errorf("%d places for %d that wait", len(d.queue), serveAtOnce)
		}
	})
}
