package main

import (
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// users: many connections of one, and one event for many.
func users() ([]*Series, error) {
	join := series("connect as the same user, by that user's connections", "ns/connection", 80)
	hear := series("publish to one user, by that user's connections", "ns/connection", 6)
	leave := series("disconnect as the same user, by that user's connections", "ns/connection", 20)
	many := series("publish to users by name, by the names", "ns/user", 20)
	took, err := time.Duration(0), error(nil)
	for size := 10; size <= min(100_000, *most) && leave.goesOn(size, took); size *= 10 {
		if took, err = repeat(func() error { return sameUser(size, join, hear, leave) }); err != nil {
			return nil, err
		}
	}
	for size := 10; size <= min(100_000, *most); size *= 10 {
		if _, err = repeat(func() error { return byName(size, many) }); err != nil {
			return nil, err
		}
	}
	return []*Series{join, hear, leave, many}, nil
}

func sameUser(size int, join, hear, leave *Series) error {
	c := newHarness()
	defer c.Close()
	var clients []*inproc.Client
	took, err := timed(func() (err error) {
		clients, err = c.Connect(size, func(int) inproc.Entry { return plain(0) })
		return err
	})
	if err != nil {
		return err
	}
	join.add(size, took, 1)
	took, times, err := often(1000, func() error {
		return deliver(c, actors.Target{Users: []string{user(0)}}, message(), size)
	})
	if err != nil {
		return err
	}
	hear.add(size, took, times)
	took, err = timed(func() error { return c.Disconnect(clients) })
	leave.add(size, took, 1)
	return err
}

func byName(size int, s *Series) error {
	c := newHarness()
	defer c.Close()
	if _, err := c.Connect(size, plain); err != nil {
		return err
	}
	names := make([]string, size)
	for i := range names {
		names[i] = user(i)
	}
	took, times, err := often(1000, func() error { return deliver(c, actors.Target{Users: names}, message(), size) })
	if err == nil {
		s.add(size, took, times)
	}
	return err
}
