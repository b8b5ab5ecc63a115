package main

import (
	"runtime"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// cores compares one core with all of them, by the time of day. These costs are told and not held: they are not for one
// of so many.
func cores() ([]*Series, error) {
	one := &Series{Name: "publish to a topic of 100,000 subscribers, by cores", Unit: "ns/subscriber"}
	many := &Series{Name: "publish to 1,000 topics from 64 goroutines at once, by cores", Unit: "ns/publish"}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	size := min(100_000, *most)
	for n := 1; n <= before; n *= 2 {
		runtime.GOMAXPROCS(n)
		cost, err := toMany(size)
		if err != nil {
			return nil, err
		}
		one.Points = append(one.Points, Point{n, cost})
		if cost, err = atOnce(); err != nil {
			return nil, err
		}
		many.Points = append(many.Points, Point{n, cost})
	}
	return []*Series{one, many}, nil
}

func toMany(size int) (float64, error) {
	c := newHarness()
	defer c.Close()
	if _, err := c.Connect(size, subscriber); err != nil {
		return 0, err
	}
	runtime.GC()
	best := time.Hour
	for range 10 {
		_, took, err := c.Deliver(actors.Target{Topic: sharedTopic}, telemetry(1))
		if err != nil {
			return 0, err
		}
		best = min(best, took)
	}
	return per(best, size), nil
}

// atOnce publishes to many topics from many goroutines, each to its own topics.
func atOnce() (float64, error) {
	const topics, publishers, each = 1000, 64, 3000
	c := newHarness()
	defer c.Close()
	if err := makeTopics(c, 0, topics); err != nil {
		return 0, err
	}
	before, began := c.Received(), time.Now()
	var publishing sync.WaitGroup
	failed := make(chan error, publishers)
	for p := range publishers {
		publishing.Go(func() { failed <- publishSome(c, p, publishers, topics, each) })
	}
	publishing.Wait()
	for range publishers {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	err := c.Await(before + publishers*each)
	return per(time.Since(began), publishers*each), err
}

func publishSome(c *inproc.Harness, first, step, topics, times int) error {
	ev := telemetry(1)
	for i := range times {
		if _, err := c.Publish(actors.Target{Topic: "telemetry/" + topicID((first+i*step)%topics)}, ev); err != nil {
			return err
		}
	}
	return nil
}
