package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
	"github.com/parley-realtime/parley/bench/inproc/figure"
	"github.com/parley-realtime/parley/protocol"
)

// The goals for a million connections on two cores.
const (
	memoryGoal = 8192 // bytes of resident memory per connection
	fanOutGoal = 1.0  // seconds until the last wire has a publish to all
)

// measurement is what the steps share.
type measurement struct {
	sheet   *figure.Sheet
	before  memory
	harness *inproc.Harness
	clients []*inproc.Client
	toAll   uint32 // events that every client has to have taken
}

// enter brings the clients in.
func (m *measurement) enter() (err error) {
	work := watch()
	m.clients, err = m.harness.Connect(*connections, subscriber)
	if err != nil {
		return err
	}
	m.sheet.Add("connections", float64(*connections), "")
	m.sheet.Add("connects, each authenticated and subscribed", float64(*connections)/work.since().Seconds(),
		"per second")
	work.report(m.sheet, "while they connect")
	return nil
}

// How long to rest before memory is read, and how long to watch the processor: all are pinged once in that time.
const (
	quiet = 5 * time.Second
	round = 25 * time.Second
)

// rest is what they cost when nothing happens but pings.
func (m *measurement) rest() error {
	runtime.GC()
	live := footprint().live
	began := processor()
	time.Sleep(quiet)
	now := footprint()
	time.Sleep(round - quiet)
	used := processor() - began
	per := func(bytes uint64) float64 { return float64(bytes) / float64(*connections) }
	m.sheet.Hold("resident memory per connection", per(now.resident-m.before.resident), "bytes", memoryGoal)
	m.sheet.Add("live heap per connection", per(live-m.before.live), "bytes")
	m.sheet.Add("stacks of the process", float64(now.stacks)/(1<<20), "MiB")
	m.sheet.Add("resident memory of the process", float64(now.resident)/(1<<20), "MiB")
	m.sheet.Add("goroutines", float64(runtime.NumGoroutine()), "")
	m.sheet.Add("processor while nothing happens but pings", 100*used.Seconds()/round.Seconds(), "% of a core")
	return nil
}

// fanOut publishes to all.
func (m *measurement) fanOut() error {
	work := watch()
	times, err := m.publishToAll(5, func() {})
	if err != nil {
		return err
	}
	m.sheet.Add("publish to all until the last wire has it, median of 5", times[2].Seconds(), "s")
	m.sheet.Hold("publish to all until the last wire has it, longest of 5", times[4].Seconds(), "s", fanOutGoal)
	m.sheet.Add("per delivery", float64(times[2].Nanoseconds())/float64(*connections), "ns")
	work.report(m.sheet, "during these 5")
	return nil
}

// collectMeanwhile publishes to all while the collector is at work, which five publishes alone may not meet.
func (m *measurement) collectMeanwhile() error {
	work := watch()
	collected := make(chan struct{}, 3)
	times, err := m.publishToAll(3, func() { go func() { runtime.GC(); collected <- struct{}{} }() })
	for range cap(collected) {
		<-collected
	}
	if err != nil {
		return err
	}
	m.sheet.Add("publish to all during a collection, longest of 3", times[2].Seconds(), "s")
	work.report(m.sheet, "during these 3")
	return nil
}

// toEach publishes to all so many times and returns how long each took, sorted.
func (m *measurement) publishToAll(times int, first func()) ([]time.Duration, error) {
	var all []time.Duration
	for i := range times {
		first()
		delivered, took, err := m.harness.Deliver(actors.Target{Topic: sharedTopic}, telemetry(i))
		if err == nil && delivered != *connections {
			err = fmt.Errorf("a publish to all reached %d of %d", delivered, *connections)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, took)
		m.toAll++
	}
	slices.Sort(all)
	return all, nil
}

// complete holds every client against what all had to take; those that took more were meant alone.
func (m *measurement) complete() error {
	alone := m.harness.Received()
	for i, client := range m.clients {
		if client.Received() < m.toAll {
			return fmt.Errorf("client %d took %d of %d events that were for all", i, client.Received(), m.toAll)
		}
		alone -= int64(m.toAll)
	}
	if want := int64(2 * singlePublishes); alone != want {
		return fmt.Errorf("%d events that were for one were taken, not %d", alone, want)
	}
	m.sheet.Add("events taken by the wires, none lost and none twice", float64(m.harness.Received()), "")
	return nil
}

// topics is how many topics have one subscriber each, beside the one that all hear; aims how many publishes go to one.
const (
	topics          = 10_000
	singlePublishes = 2000
)

// aim publishes what is for one alone, beside the million.
func (m *measurement) publishToOne() error {
	few := min(topics, *connections)
	for i := range few {
		if err := m.harness.Ask(m.clients[i],
			`{"type":"subscribe","channel":"devices","device_id":`+strconv.Itoa(i)+`}`); err != nil {
			return err
		}
	}
	message, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Message,
		Data: []byte(`{"level":"info","title":"Hello","message":"You have mail"}`)})
	if err != nil {
		return err
	}
	work := watch()
	err = m.deliverToOne("publish to one user", func() actors.Target {
		return actors.Target{Users: []string{user(rand.IntN(*connections))}}
	}, message)
	if err != nil {
		return err
	}
	change, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.DeviceStatus,
		Data: []byte(`{"device_id":1,"old_status":"online","new_status":"offline"}`)})
	if err != nil {
		return err
	}
	err = m.deliverToOne("publish to one of 10,000 topics", func() actors.Target {
		return actors.Target{Topic: "devices/" + strconv.Itoa(rand.IntN(few))}
	}, change)
	work.report(m.sheet, "during these single ones")
	return err
}

// single publishes to one at a time, until it is taken.
func (m *measurement) deliverToOne(name string, to func() actors.Target, ev *protocol.Event) error {
	var all []time.Duration
	for range singlePublishes {
		delivered, took, err := m.harness.Deliver(to(), ev)
		if err != nil || delivered != 1 {
			return fmt.Errorf("%s: delivered %d: %w", name, delivered, err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	m.sheet.Add(name+", until taken, median", float64(all[len(all)/2].Nanoseconds())/1000, "us")
	m.sheet.Add(name+", until taken, p99", float64(all[len(all)*99/100].Nanoseconds())/1000, "us")
	return nil
}

// leave ends all sockets.
func (m *measurement) leave() error {
	began := time.Now()
	err := m.harness.Disconnect(m.clients)
	m.sheet.Add("disconnects, until the node has forgotten them", float64(*connections)/time.Since(began).Seconds(),
		"per second")
	return err
}

// telemetry is an event as devices send it, 160 bytes of data.
func telemetry(i int) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
		Data: fmt.Appendf(nil, `{"device_id":1,"telemetry":{"load":{"value":%d,"unit":"%%",`+
			`"timestamp":"2026-11-21T12:00:00Z"},"temperature":{"value":21.5,"unit":"C",`+
			`"timestamp":"2026-11-21T12:00:00Z"}}}`, i)})
	if err != nil {
		panic(err) // it is a constant
	}
	return ev
}
