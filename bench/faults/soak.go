package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// soak lets 100 new clients a second come, subscribe to what all hear and to a topic of their own, hear a little and
// leave in all the ways that there are, while events are published, some of them durable, for 60 minutes. When all have
// left, goroutines, descriptors and heap are back within 5 % of what they were after a first round of 20 s (check 60).
func soak(r *scenario.Run) {
	c := &churn{r: r, s: r.Serve(soaking(r))}
	loud := &scenario.Publisher{Device: "soak-0", Publishers: 1, Rate: 100}
	kept := &scenario.Publisher{Device: "durable-soak", Publishers: 1, Rate: 20}
	filling := &scenario.Publisher{Device: "durable-fill", Publishers: 4, Rate: 50, Pad: 16_000}
	base := c.runBeside(r.Size(2000, 500), loud, kept, filling)
	span := r.Span(time.Hour, 3*time.Second)
	now := c.runBeside(int(span.Seconds()*100), loud, kept)
	near := func(after, before, more int64) bool { return after <= before+before/20+more }
	r.Want(60, near(now.Goroutines, base.Goroutines, 3), "%d goroutines, %d before", now.Goroutines, base.Goroutines)
	r.Want(60, near(now.Files, base.Files, 2), "%d descriptors, %d before", now.Files, base.Files)
	r.Want(60, near(now.Heap, base.Heap, 512<<10), "a heap of %d KiB, %d before", now.Heap>>10, base.Heap>>10)
	r.Want(60, c.failed == nil, "a client could not come in: %v", c.failed)
	r.Figure(60, "%d clients in %s, %d events: goroutines %d to %d, descriptors %d to %d, heap %d to %d KiB, "+
		"resident %s to %s", c.came, span, len(loud.Acks)+len(kept.Acks),
		base.Goroutines, now.Goroutines, base.Files, now.Files, base.Heap>>10, now.Heap>>10, mib(base.Resident),
		mib(now.Resident))
}

// soaking are conditions in which everything bounded is full after the first round: the server remembers little or
// forgets soon, and large events fill the buffers of the store.
func soaking(r *scenario.Run) server.Conditions {
	return server.Conditions{
		Args: []string{"--data", filepath.Join(r.Dir, "data")},
		Env: []string{"PARLEY_TOPICS_DURABLE=telemetry/durable-*", "PARLEY_ENGINE_DURABLE_COUNT=1000",
			"PARLEY_ENGINE_TOPIC_IDLE=2s", "PARLEY_ENGINE_HISTORY_AGE=1s",
			"PARLEY_ENGINE_DEDUP_AGE=1s", "PARLEY_ENGINE_DEDUP_COUNT=16", "PARLEY_AUTH_CACHE_ENTRIES=1024"},
	}
}

// churn are clients that come and go.
type churn struct {
	r *scenario.Run
	s *server.Server

	round int // no two visitors of different rounds have one name

	mu     sync.Mutex // guards what follows while they run
	came   int
	failed error
}

// runBeside lets so many clients come while events are published, and returns the figures when all is over.
func (c *churn) runBeside(count int, publishers ...*scenario.Publisher) server.Figures {
	for _, publisher := range publishers {
		publisher.Start(c.s)
	}
	c.run(count)
	for _, publisher := range publishers {
		publisher.Stop()
	}
	return c.leastFigures()
}

// run lets clients come, 100 a second, and waits until the last has left.
func (c *churn) run(count int) {
	c.round++
	var staying sync.WaitGroup
	for next, i := time.Now(), 0; i < count; i++ {
		time.Sleep(time.Until(next))
		next = next.Add(10 * time.Millisecond)
		how, stay := c.r.Random.IntN(4), time.Duration(c.r.Random.IntN(1000))*time.Millisecond
		staying.Go(func() { c.connect(i, how, stay) })
	}
	staying.Wait()
}

// connect connects, listens and leaves.
func (c *churn) connect(i, how int, stay time.Duration) {
	name := fmt.Sprintf("visitor-%d-%d", c.round, i) // each is somebody else, and has a topic that nobody else has
	visitor, err := client.Dial(c.s.Address,
		client.Options{User: name, Devices: []string{"soak-0", "durable-soak", "own-" + name}})
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

// leastFigures waits until nothing changes any more, and returns the lowest figures after that.
func (c *churn) leastFigures() (least server.Figures) {
	c.r.Await(10*time.Second, func() bool { return figures(c.r, c.s).Connections == 0 })
	c.s.Hush()
	time.Sleep(4 * time.Second) // topics become idle
	for i := range 200 {
		time.Sleep(10 * time.Millisecond) // each answer makes garbage, until the server collects it
		now := figures(c.r, c.s)
		if i == 0 {
			least = now
		}
		least.Heap, least.Goroutines = min(least.Heap, now.Heap), min(least.Goroutines, now.Goroutines)
		least.Files, least.Resident = min(least.Files, now.Files), min(least.Resident, now.Resident)
	}
	return least
}
