package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/drill"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// soak lets 100 new clients a second come, subscribe to what all hear and to a topic of their own, hear a little and leave
// in all the ways that there are, while events are published (for 60 s; -for 60m is the size of the check). When all have left, goroutines, descriptors and heap are back
// within 5 % of what they were after a first round of 20 s (check 60).
func soak(d *drill.Drill) {
	s := d.Serve(server.Conditions{Env: []string{"PARLEY_ENGINE_TOPIC_IDLE=2s", "PARLEY_ENGINE_HISTORY_AGE=1s", "PARLEY_ENGINE_DEDUP_AGE=1s", "PARLEY_ENGINE_DEDUP_COUNT=16", "PARLEY_AUTH_CACHE_ENTRIES=1024"}}) // so that what is bounded is full after the first round
	source := &drill.Source{Device: "soak-0", Publishers: 1, Rate: 100}
	c := &churn{d: d, s: s}
	source.Start(s)
	c.run(d.Size(2000, 500))
	source.Stop()
	base := c.rest()
	source.Start(s)
	span := d.Span(60*time.Second, 3*time.Second)
	c.run(int(span.Seconds() * 100))
	source.Stop()
	now := c.rest()
	near := func(after, before, more int64) bool { return after <= before+before/20+more }
	d.Want(60, near(now.Goroutines, base.Goroutines, 3), "%d goroutines, %d before", now.Goroutines, base.Goroutines)
	d.Want(60, near(now.Files, base.Files, 2), "%d descriptors, %d before", now.Files, base.Files)
	d.Want(60, near(now.Heap, base.Heap, 512<<10), "a heap of %d KiB, %d before", now.Heap>>10, base.Heap>>10)
	d.Want(60, c.failed == nil, "a client could not come in: %v", c.failed)
	d.Figure(60, "%d clients in %s, %d events: goroutines %d to %d, descriptors %d to %d, heap %d to %d KiB, resident %s to %s", c.came, span, len(source.Acks),
		base.Goroutines, now.Goroutines, base.Files, now.Files, base.Heap>>10, now.Heap>>10, mib(base.Resident), mib(now.Resident))
}

// churn are clients that come and go.
type churn struct {
	d *drill.Drill
	s *server.Server

	round int // no two visitors of different rounds have one name

	mu     sync.Mutex // guards what follows while they run
	came   int
	failed error
}

// run lets clients come, 100 a second, and waits until the last has left.
func (c *churn) run(count int) {
	c.round++
	var staying sync.WaitGroup
	for next, i := time.Now(), 0; i < count; i++ {
		time.Sleep(time.Until(next))
		next = next.Add(10 * time.Millisecond)
		how, stay := c.d.Random.IntN(4), time.Duration(c.d.Random.IntN(1000))*time.Millisecond
		staying.Go(func() { c.visit(i, how, stay) })
	}
	staying.Wait()
}

// visit comes, listens and leaves.
func (c *churn) visit(i, how int, stay time.Duration) {
	name := fmt.Sprintf("visitor-%d-%d", c.round, i) // each is somebody else, and has a topic that nobody else has
	visitor, err := client.Dial(c.s.Address, client.Options{User: name, Devices: []string{"soak-0", "own-" + name}})
	c.mu.Lock()
	if c.came++; err != nil {
		c.failed = err
	}
	c.mu.Unlock()
	if err != nil {
		return
	}
	_ = visitor.SetReadDeadline(time.Now().Add(stay))
	visitor.Listen()
	switch how {
	case 0:
		_, _ = visitor.Write(client.Frame(client.Final|client.Close, []byte{3, 232}))
		_ = visitor.SetReadDeadline(time.Now().Add(time.Second))
		visitor.Listen()
	case 1:
		_ = c.s.Disconnect(name) // it may be gone
	case 2:
		_, _ = visitor.Write([]byte("no frame at all"))
	}
	visitor.Cut()
}

// rest waits until nothing changes any more, and returns the least that there is then.
func (c *churn) rest() (least server.Figures) {
	c.d.Await(10*time.Second, func() bool { return figures(c.d, c.s).Connections == 0 })
	c.s.Hush()
	time.Sleep(4 * time.Second) // topics become idle
	for i := range 200 {
		time.Sleep(10 * time.Millisecond) // each answer makes garbage, until the server collects it
		now := figures(c.d, c.s)
		if i == 0 {
			least = now
		}
		least.Heap, least.Goroutines, least.Files, least.Resident = min(least.Heap, now.Heap), min(least.Goroutines, now.Goroutines), min(least.Files, now.Files), min(least.Resident, now.Resident)
	}
	return least
}
