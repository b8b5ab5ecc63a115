package main

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// files gives the server 512 file descriptors and lets 2,000 clients dial and dial again: those for whom there is no
// room are refused with 503 or dropped, those who are in go on to hear everything, the server uses less than half a
// processor, and after the dialers have left a new client is in within 1 s (check 45).
func files(r *scenario.Run) {
	s := r.Serve(server.Conditions{Files: 512})
	held, err := client.DialAll(s.Address, 200, client.Users("held", "files"))
	r.Must(err)
	defer held.Close()
	held.Listen()
	publisher := (&scenario.Publisher{Device: "files", Publishers: 1, Rate: 20}).Start(s)
	before, span := figures(r, s).Processor, r.Span(10*time.Second, 3*time.Second)
	began := time.Now()
	crush := dialers{s: s, count: r.Size(2000, 600), until: began.Add(span)}
	crush.run()
	took := time.Since(began)
	alive(r, s)
	began = time.Now()
	c, err := client.Dial(s.Address, client.Options{User: "after"})
	r.Want(45, err == nil && time.Since(began) < time.Second, "after the dialers left a client came in after %s: %v",
		time.Since(began), err)
	if err == nil {
		c.Cut()
	}
	used := (figures(r, s).Processor - before).Seconds() / took.Seconds()
	publisher.Stop()
	last := publisher.Acked()
	r.Want(45, held.AwaitEvents(last, 5*time.Second), "those who are in did not hear all %d events", last)
	held.Close()
	r.Faultless(45, publisher.Topic(held.Readers(true), nil).Faults())
	r.Want(45, used < 0.5, "the server used %.0f %% of a processor", 100*used)
	r.Want(45, crush.odd.Load() == 0, "%d dials ended otherwise than in a socket, 503 or a drop: %v", crush.odd.Load(),
		crush.oddly.Load())
	r.Figure(45, "%d dialers, 512 descriptors: %d let in, %d got 503, %d dropped; %.0f %% of a processor; %d of %d "+
		"publishes acknowledged", crush.count, crush.in.Load(), crush.refused.Load(), crush.dropped.Load(), 100*used,
		len(publisher.Acks), len(publisher.Sent))
}

// dialers are clients that all try to connect and, if the server refuses them, try again a second later, as polite
// clients do.
type dialers struct {
	s                         *server.Server
	count                     int
	until                     time.Time
	in, refused, dropped, odd atomic.Int64
	oddly                     atomic.Value // an error that is neither
}

func (a *dialers) run() {
	done := make(chan struct{})
	for range a.count {
		go func() { a.dial(); done <- struct{}{} }()
	}
	for range a.count {
		<-done
	}
}

func (a *dialers) dial() {
	for time.Now().Before(a.until) {
		c, err := client.Dial(a.s.Address, client.Options{})
		if err == nil {
			a.in.Add(1)
			time.Sleep(time.Until(a.until))
			c.Cut()
			return
		}
		var broken *net.OpError
		switch status := server.Status(err); {
		case status == 503:
			a.refused.Add(1)
		case status == 0 || errors.As(err, &broken):
			a.dropped.Add(1)
		default:
			a.odd.Add(1)
			a.oddly.Store(fmt.Sprint(err))
		}
		time.Sleep(min(time.Second, max(0, time.Until(a.until))))
	}
}
