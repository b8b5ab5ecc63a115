package main

import (
	"strings"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// levels are how deep a topic is: once with a client at each level, once with one at the deepest alone.
func levels() ([]*Series, error) {
	each := series("publish with a subscriber at each level, by levels", "ns/level", 0)
	alone := series("publish with a subscriber at the deepest level alone, by levels", "ns/level", 0)
	for _, size := range []int{1, 2, 4, 8, 16} {
		if _, err := repeat(func() error { return deep(size, 1, each) }); err != nil {
			return nil, err
		}
		if _, err := repeat(func() error { return deep(size, size, alone) }); err != nil {
			return nil, err
		}
	}
	return []*Series{each, alone}, nil
}

// deep measures a topic of so many levels, which are listened to from the level from on.
func deep(size, from int, s *Series) error {
	c := newHarness()
	defer c.Close()
	path := make([]string, size-1) // below telemetry, which is the first level
	for i := range path {
		path[i] = "level"
	}
	if _, err := c.Connect(size-from+1, func(i int) inproc.Entry {
		var ids []string
		if at := from + i; at > 1 {
			ids = []string{strings.Join(path[:at-1], "/")}
		}
		return inproc.Entry{User: user(i), Lines: []string{subscribe(ids, "")}}
	}); err != nil {
		return err
	}
	topic := strings.Join(append([]string{"telemetry"}, path...), "/")
	took, times, err := often(5000, func() error {
		return deliver(c, actors.Target{Topic: topic}, telemetry(1), size-from+1)
	})
	if err == nil {
		s.add(size, took, times)
	}
	return err
}
