package main

import (
	"strconv"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
	"github.com/parley-realtime/parley/protocol"
)

// throttles are subscribers that want each key only so often: by keys, and by filters, each of which samples on its
// own.
func throttles() ([]*Series, error) {
	fresh := series("publish with a key of its own to a subscriber that wants one an hour, by keys", "ns/publish", 10)
	for _, size := range []int{10, 100, 1000, 10_000, 30_000} { // 16,384 are held back at most
		if _, err := repeat(func() error { return keys(size, fresh) }); err != nil {
			return nil, err
		}
	}
	held := series("hold back and release, by keys", "ns/key", 0)
	for _, size := range []int{100, 1000, 10_000} {
		if _, err := repeat(func() error { return release(1, size, held) }); err != nil {
			return nil, err
		}
	}
	shared := series("hold back and release 10 keys for each filter, by filters", "ns/filter", 0)
	for _, size := range []int{100, 300, 1000} {
		if _, err := repeat(func() error { return release(size, 10, shared) }); err != nil {
			return nil, err
		}
	}
	return []*Series{fresh, held, shared}, nil
}

// keyed is an event whose key is that number.
func keyed(key int) *protocol.Event {
	ev := *telemetry(1)
	ev.Key = strconv.Itoa(key)
	return &ev
}

func keys(size int, s *Series) error {
	c := newHarness()
	defer c.Close()
	if _, err := c.Connect(1, throttled(`"1h"`, 1)); err != nil {
		return err
	}
	took, err := timed(func() error {
		for i := range size {
			if _, err := c.Publish(actors.Target{Topic: sharedTopic}, keyed(i)); err != nil {
				return err
			}
		}
		return nil
	})
	s.add(size, took, 1)
	return err
}

// throttled are clients with filters of their own that each leave something, and a frequency.
func throttled(frequency string, filters int) func(i int) inproc.Entry {
	return func(i int) inproc.Entry {
		options := `,"frequency":` + frequency
		if filters > 1 {
			options += `,"metrics":["load","m` + strconv.Itoa(i) + `"]`
		}
		return inproc.Entry{User: user(i), Lines: []string{subscribe([]string{"1"}, options)}}
	}
}

// release publishes two events for each key, of which the second is held back for half a second, until all
// were released.
func release(filters, keys int, s *Series) error {
	c := newHarness()
	defer c.Close()
	if _, err := c.Connect(filters, throttled(`"500ms"`, filters)); err != nil {
		return err
	}
	took, err := timed(func() error {
		for i := range 2 * keys {
			if _, err := c.Publish(actors.Target{Topic: sharedTopic}, keyed(i%keys)); err != nil {
				return err
			}
		}
		return c.Await(int64(2 * filters * keys))
	})
	if err == nil {
		size := filters
		if filters == 1 {
			size = keys
		}
		s.add(size, took, 1)
	}
	return err
}
