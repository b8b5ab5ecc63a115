package main

import (
	"math/rand/v2"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// mostSubscriptions is how many a connection may have, unless an operator allows more.
var mostSubscriptions = inproc.Limits().Subscriptions

// subscriptions are many of one connection: side by side, and below one that hears them all anyway.
func subscriptions() ([]*Series, error) {
	beside, err := subscriptionsOf("side by side", nil)
	if err != nil {
		return nil, err
	}
	below, err := subscriptionsOf("below one", []string{subscribe(nil, "")})
	return append(beside, below...), err
}

func subscriptionsOf(how string, first []string) ([]*Series, error) {
	come := series("subscribe "+how+", by the connection's subscriptions", "ns/subscription", 0)
	hear := series("publish to one of them "+how+", by the connection's subscriptions", "ns/publish", 0)
	change := series("change one of them "+how+", by the connection's subscriptions", "ns/change", 0)
	part := series("unsubscribe "+how+", by the connection's subscriptions", "ns/subscription", 0)
	took, err := time.Duration(0), error(nil)
	for size := 10; size <= mostSubscriptions && come.goesOn(size, took); size *= 10 {
		if took, err = repeat(func() error { return oneWith(size, first, come, hear, change, part) }); err != nil {
			return nil, err
		}
	}
	return []*Series{come, hear, change, part}, nil
}

// oneWith measures one connection with so many subscriptions to topics that were there before.
func oneWith(size int, first []string, come, hear, change, part *Series) error {
	c := newHarness()
	defer c.Close()
	if err := makeTopics(c, 0, size); err != nil {
		return err
	}
	clients, err := c.Connect(1, plain)
	if err != nil {
		return err
	}
	one := clients[0]
	took, err := timed(func() error { return c.Ask(one, append(first, subscribeTo(0, size, "")...)...) })
	if err != nil {
		return err
	}
	come.add(size, took, 1)
	took, times, err := often(2000, func() error {
		const subscribers = 2 // the measured one, and the client that made the topic
		return deliver(c, actors.Target{Topic: "telemetry/" + topicID(rand.IntN(size))}, telemetry(1), subscribers)
	})
	if err != nil {
		return err
	}
	hear.note(size, per(took, times))
	options, turn := []string{`,"metrics":["load"]`, ""}, 0
	took, times, err = often(2000, func() error {
		turn++
		return c.Ask(one, subscribe([]string{topicID(size / 2)}, options[turn%2]))
	})
	if err != nil {
		return err
	}
	change.note(size, per(took, times))
	took, err = timed(func() error { return c.Ask(one, inLines("unsubscribe", 0, size, "")...) })
	part.add(size, took, 1)
	return err
}
