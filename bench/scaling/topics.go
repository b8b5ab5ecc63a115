package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// hold is how many topics one client hears here, and perLine how many one line may name.
const (
	hold    = 100
	perLine = 50
)

// topics have one subscriber each; they become more and more in one node.
func topics() ([]*Series, error) {
	made := series("make a topic by subscribing to it, by topics", "ns/topic", 80)
	published := series("publish to one topic of many, by topics", "ns/publish", 40)
	heap := series("live heap, by topics", "B/topic", 0)
	c := newHarness()
	defer c.Close()
	before := live()
	for size, have := 10, 0; size <= *most; have, size = size, size*10 {
		took, err := timed(func() error { return makeTopics(c, have, size) })
		if err != nil {
			return nil, err
		}
		made.note(size, per(took, size-have))
		if size >= 1000 {
			heap.note(size, float64(live()-before)/float64(size))
		}
		took, times, err := often(5000, func() error {
			return deliver(c, actors.Target{Topic: "telemetry/" + topicID(rand.IntN(size))}, telemetry(1), 1)
		})
		if err != nil {
			return nil, err
		}
		published.note(size, per(took, times))
	}
	return []*Series{made, published, heap}, nil
}

func topicID(i int) string { return fmt.Sprintf("t%06d", i) }

// makeTopics lets new clients in that subscribe to the topics from have on.
func makeTopics(c *inproc.Harness, have, size int) error {
	_, err := c.Connect((size-have+hold-1)/hold, func(i int) inproc.Entry {
		from := have + i*hold
		return inproc.Entry{User: user(from), Lines: subscribeTo(from, min(from+hold, size), "")}
	})
	return err
}

// subscribeTo are lines that name the topics from one number up to another.
func subscribeTo(from, to int, options string) []string {
	return inLines("subscribe", from, to, options)
}

func inLines(what string, from, to int, options string) (lines []string) {
	for ; from < to; from += perLine {
		var ids []string
		for i := from; i < min(from+perLine, to); i++ {
			ids = append(ids, topicID(i))
		}
		lines = append(lines, request(what, ids, options))
	}
	return lines
}
