package main

import (
	"math/rand/v2"
	"runtime"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// connections are all in one topic. The cost of what happens to all is per connection; an operation on one of them must
// not cost more because the others are there.
func connections() ([]*Series, error) {
	all := []*Series{
		series("connect, authenticate and subscribe, by connections", "ns/connection", 80),
		series("publish to a topic, by its subscribers", "ns/subscriber", 6),
		series("publish to one user, by connections", "ns/publish", 40),
		series("subscribe and unsubscribe, by the topic's subscribers", "ns/both", 40),
		series("disconnect, by connections", "ns/connection", 20),
		series("live heap, by connections", "B/connection", 0),
	}
	for size := 10; size <= *most; size *= 10 {
		if _, err := repeat(func() error {
			costs, err := measureConnections(size)
			for i, cost := range costs {
				all[i].note(size, cost)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	heap := all[len(all)-1]
	heap.Points = heap.Points.upper(max(0, len(heap.Points)-2)) // below a thousand, the node itself is most of it
	return all, nil
}

// measureConnections measures so many connections. The costs are in the order of the series.
func measureConnections(size int) (costs [6]float64, err error) {
	before := live()
	c := newHarness()
	defer c.Close()
	var clients []*inproc.Client
	took, err := timed(func() (err error) { clients, err = c.Connect(size, subscriber); return err })
	if err != nil {
		return costs, err
	}
	costs[0] = per(took, size)
	costs[5] = float64(live()-before) / float64(size)
	took, times, err := often(1000, func() error {
		return deliver(c, actors.Target{Topic: sharedTopic}, telemetry(1), size)
	})
	if err != nil {
		return costs, err
	}
	costs[1] = per(took, size*times)
	took, times, err = often(1000, func() error {
		return deliver(c, actors.Target{Users: []string{user(rand.IntN(size))}}, message(), 1)
	})
	if err != nil {
		return costs, err
	}
	costs[2] = per(took, times)
	took, times, err = often(1000, func() error { return resubscribe(c, clients[rand.IntN(size)]) })
	if err != nil {
		return costs, err
	}
	costs[3] = per(took, times)
	took, err = timed(func() error { return c.Disconnect(clients) })
	costs[4] = per(took, size)
	return costs, err
}

// resubscribe unsubscribes from the shared topic and subscribes again.
func resubscribe(c *inproc.Harness, client *inproc.Client) error {
	return c.Ask(client, request("unsubscribe", []string{"1"}, ""), subscribe([]string{"1"}, ""))
}

// live is what lives on the heap after a collection.
func live() int64 {
	runtime.GC()
	runtime.GC() // what sync.Pools held goes with the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
