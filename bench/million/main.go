// Command million says what a million connections cost the engine, in one process: the memory of each, how fast they
// come in, how long a publish to all of them takes, and what the garbage collector does meanwhile.
//
//	go -C bench run ./million
//	go -C bench run ./million -connections 100000 -json million.json
//
// Each connection is authenticated as a user of its own and subscribed to one topic that all share. They are the
// clients of bench/inproc: real sessions over transports in memory. Memory is what the kernel says of the process, as
// it is after a collection and five seconds of rest, with the collector set as the server sets it and nothing given
// back by hand.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"github.com/parley-realtime/parley/bench/checkout"
	"github.com/parley-realtime/parley/bench/inproc"
	"github.com/parley-realtime/parley/bench/inproc/figure"
)

var (
	connections = flag.Int("connections", 1_000_000, "how many connections")
	file        = flag.String("json", "", "where to write the figures as JSON")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := checkout.Enter(); err != nil {
		return err
	}
	limitGarbage()
	m := &measurement{sheet: figure.New("million", os.Stdout), before: footprint()}
	m.harness = inproc.New(inproc.Limits())
	defer m.harness.Close()
	steps := []func() error{m.enter, m.rest, m.fanOut, m.collectMeanwhile, m.publishToOne, m.complete, m.leave}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return m.sheet.Write(*file)
}

// sharedTopic is the topic that all clients subscribe to.
const sharedTopic = "telemetry/1"

// subscriber is a client that hears it.
func subscriber(i int) inproc.Entry {
	return inproc.Entry{User: user(i), Lines: []string{`{"type":"subscribe","channel":"telemetry","device_id":1}`}}
}

func user(i int) string { return "user-" + strconv.Itoa(i) }
