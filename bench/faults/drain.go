package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// drain ends the server with SIGTERM while 5,000 clients hear 500 events a second on 50 topics: exit 0 within 10 s (dev
// mode drains over 2 s), each client hears of the restart (1012) and has heard every event that was acknowledged before
// it, and nobody is let in any more. Where the topics are durable, the next start has every event that was ever
// acknowledged (check 48).
func drain(d *scenario.Run) {
	draining(d, d.Serve(server.Conditions{}), "drain-")
	durable(d, []int{48}, func(c server.Conditions) {
		s := d.Serve(c)
		sources := draining(d, s, "durable-drain-")
		d.Start(s)
		kept := 0
		for _, source := range sources {
			record, err := s.Record(source.Device)
			d.Must(err)
			d.Faultless(48, source.Topic(nil, record).Faults())
			kept += len(record.Events)
		}
		d.Figure(48, "durable: %d are there after the next start", kept)
	})
}

// draining lets a server end under its clients.
func draining(d *scenario.Run, s *server.Server, name string) (sources []*scenario.Publisher) {
	const restart = 1012
	topics, each := d.Size(50, 10), d.Size(100, 30)
	crowd, err := client.DialAll(s.Address, topics*each, func(i int) client.Options {
		return client.Options{User: fmt.Sprint("drained-", i), Devices: []string{fmt.Sprint(name, i%topics)}}
	})
	d.Must(err)
	defer crowd.Close()
	crowd.Listen()
	for i := range topics {
		source := &scenario.Publisher{Device: fmt.Sprint(name, i), Publishers: 1, Rate: 500 / float64(topics)}
		sources = append(sources, source.Start(s))
	}
	time.Sleep(d.Span(3*time.Second, time.Second))
	before := make([]int64, topics) // acknowledged when the end begins
	for i, source := range sources {
		before[i] = source.Acked()
	}
	began := time.Now()
	d.Must(s.Signal(syscall.SIGTERM))
	time.Sleep(200 * time.Millisecond)
	late, err := client.Dial(s.Address, client.Options{})
	d.Want(48, err != nil, "a client was let in while the server drained")
	if err == nil {
		late.Cut()
	}
	status, err := s.Exit(d.Bound(12 * time.Second))
	took := time.Since(began)
	d.Want(48, err == nil && status == 0 && took < d.Bound(10*time.Second), "the exit has status %d after %s: %v; it said %s", status, took, err, s.Said())
	for _, source := range sources {
		source.Stop()
	}
	d.Want(48, crowd.Wait(5*time.Second), "connections outlive the server")
	goodbye(d, crowd, restart)
	acknowledged := 0
	for i, source := range sources {
		acknowledged += len(source.Acks)
		drained(d, source, crowd.Clients, i, topics, before[i])
	}
	d.Figure(48, "%d clients, %d topics, %d acknowledged; exit %d after %.1f s; close codes %v", len(crowd.Clients), topics, acknowledged, status, took.Seconds(), crowd.Codes())
	return sources
}

// goodbye wants a close code of everybody.
func goodbye(d *scenario.Run, crowd *client.Group, code int) {
	n := crowd.Codes()[code]
	d.Want(48, n == len(crowd.Clients), "%d of %d clients heard %d; codes: %v", n, len(crowd.Clients), code, crowd.Codes())
}

// drained reads the story of one topic. Its clients leave one after the other: each has to have heard all between its
// first and its last event, and all that was acknowledged before the end began.
func drained(d *scenario.Run, source *scenario.Publisher, clients []*client.Client, topic, topics int, before int64) {
	crowd := &client.Group{}
	for i := topic; i < len(clients); i += topics {
		crowd.Clients = append(crowd.Clients, clients[i])
	}
	d.Faultless(48, source.Topic(crowd.Readers(false), nil).Faults())
	early := source.Topic(crowd.Readers(true), nil)
	early.Acks = early.Acks[:before]
	d.Faultless(48, early.Faults())
}
