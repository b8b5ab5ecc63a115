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
func drain(r *scenario.Run) {
	draining(r, r.Serve(server.Conditions{}), "drain-")
	durable(r, []int{48}, func(c server.Conditions) {
		s := r.Serve(c)
		publishers := draining(r, s, "durable-drain-")
		r.Start(s)
		kept := 0
		for _, publisher := range publishers {
			record, err := s.Record(publisher.Device)
			r.Must(err)
			r.Faultless(48, publisher.Topic(nil, record).Faults())
			kept += len(record.Events)
		}
		r.Figure(48, "durable: %d are there after the next start", kept)
	})
}

// draining drains a server that has clients.
func draining(r *scenario.Run, s *server.Server, name string) (publishers []*scenario.Publisher) {
	const restart = 1012
	topics, each := r.Size(50, 10), r.Size(100, 30)
	group, err := client.DialAll(s.Address, topics*each, func(i int) client.Options {
		return client.Options{User: fmt.Sprint("drained-", i), Devices: []string{fmt.Sprint(name, i%topics)}}
	})
	r.Must(err)
	defer group.Close()
	group.Listen()
	for i := range topics {
		publisher := &scenario.Publisher{Device: fmt.Sprint(name, i), Publishers: 1, Rate: 500 / float64(topics)}
		publishers = append(publishers, publisher.Start(s))
	}
	time.Sleep(r.Span(3*time.Second, time.Second))
	before := make([]int64, topics) // acknowledged when the end begins
	for i, publisher := range publishers {
		before[i] = publisher.Acked()
	}
	began := time.Now()
	r.Must(s.Signal(syscall.SIGTERM))
	time.Sleep(200 * time.Millisecond)
	late, err := client.Dial(s.Address, client.Options{})
	r.Want(48, err != nil, "a client was let in while the server drained")
	if err == nil {
		late.Cut()
	}
	status, err := s.Exit(r.Bound(12 * time.Second))
	took := time.Since(began)
	r.Want(48, err == nil && status == 0 && took < r.Bound(10*time.Second),
		"the exit has status %d after %s: %v; it said %s", status, took, err, s.Said())
	for _, publisher := range publishers {
		publisher.Stop()
	}
	r.Want(48, group.Wait(5*time.Second), "connections outlive the server")
	wantCloseCode(r, group, restart)
	acknowledged := 0
	for i, publisher := range publishers {
		acknowledged += len(publisher.Acks)
		drained(r, publisher, group.Clients, i, topics, before[i])
	}
	r.Figure(48, "%d clients, %d topics, %d acknowledged; exit %d after %.1f s; close codes %v", len(group.Clients),
		topics, acknowledged, status, took.Seconds(), group.Codes())
	return publishers
}

// wantCloseCode wants that every client got a close code.
func wantCloseCode(r *scenario.Run, group *client.Group, code int) {
	n := group.Codes()[code]
	r.Want(48, n == len(group.Clients), "%d of %d clients heard %d; codes: %v", n, len(group.Clients), code,
		group.Codes())
}

// drained checks one topic. Its clients leave one after the other: each must have received all events between its first
// and its last, and all that were acknowledged before the drain began.
func drained(r *scenario.Run, publisher *scenario.Publisher, clients []*client.Client, topic, topics int,
	before int64) {
	group := &client.Group{}
	for i := topic; i < len(clients); i += topics {
		group.Clients = append(group.Clients, clients[i])
	}
	r.Faultless(48, publisher.Topic(group.Readers(false), nil).Faults())
	early := publisher.Topic(group.Readers(true), nil)
	early.Acks = early.Acks[:before]
	r.Faultless(48, early.Faults())
}
