package main

import (
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
)

// filters are all of one topic, of one subscriber each. Each leaves something of every event and no two the same, so
// that nothing is shared; and, second, no two want the same and none wants what is published.
func filters() ([]*Series, error) {
	match, err := filtersThat("that match",
		func(i int) string { return `,"metrics":["load","m` + strconv.Itoa(i) + `"]` }, true)
	if err != nil {
		return nil, err
	}
	miss, err := filtersThat("that do not match",
		func(i int) string { return `,"metrics":["m` + strconv.Itoa(i) + `"]` }, false)
	return append(match, miss...), err
}

func filtersThat(how string, options func(i int) string, match bool) ([]*Series, error) {
	come := series("subscribe with filters of their own "+how+", by filters", "ns/subscriber", 20)
	hear := series("publish to filters "+how+", by filters", "ns/filter", 20)
	part := series("unsubscribe from filters "+how+", by filters", "ns/subscriber", 20)
	took, err := time.Duration(0), error(nil)
	for size := 1; size <= 10_000 && come.goesOn(size, took); size *= 10 {
		if took, err = repeat(func() error { return differing(size, options, match, come, hear, part) }); err != nil {
			return nil, err
		}
	}
	return []*Series{come, hear, part}, nil
}

func differing(size int, options func(i int) string, match bool, come, hear, part *Series) error {
	c := newHarness()
	defer c.Close()
	clients, err := c.Connect(size, plain)
	if err != nil {
		return err
	}
	ask := func(what string) (time.Duration, error) {
		return timed(func() error {
			return c.AskEach(clients, func(i int) []string {
				return []string{request(what, []string{"1"}, options(i))}
			})
		})
	}
	took, err := ask("subscribe")
	if err != nil {
		return err
	}
	come.add(size, took, 1)
	if err := hearFiltered(c, size, match, hear); err != nil {
		return err
	}
	took, err = ask("unsubscribe")
	part.add(size, took, 1)
	return err
}

func hearFiltered(c *inproc.Harness, size int, match bool, hear *Series) error {
	want := 0
	if match {
		want = size
	}
	took, times, err := often(1000, func() error {
		return deliver(c, actors.Target{Topic: sharedTopic}, telemetry(1), want)
	})
	if err == nil {
		hear.add(size, took, times)
	}
	return err
}
