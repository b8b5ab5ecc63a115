package main

import (
	"time"

	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
	"github.com/parley-realtime/parley/bench/loadgen"
)

// latency publishes 1,000 events a second to 100 clients: p50 is below 5 ms and p99 below 50 ms (check 34).
func latency(r *scenario.Run) {
	s := r.Serve(server.Conditions{})
	h := connectReaders(r, s, "near", "latency", 100, 4)
	publisher := (&scenario.Publisher{Device: "latency", Publishers: 4, Rate: 250}).Start(s)
	time.Sleep(r.Span(10*time.Second, 2*time.Second))
	publisher.Stop()
	f := settled(r, h, 34, int64(100*len(publisher.Acks)))
	r.Want(34, p50(f) < r.Bound(5*time.Millisecond), "p50 is %s", ms(p50(f)))
	r.Want(34, p99(f) < r.Bound(50*time.Millisecond), "p99 is %s", ms(p99(f)))
	r.Figure(34, "%d events to 100 clients: p50 %s, p99 %s", len(publisher.Acks), ms(p50(f)), ms(p99(f)))
}

// fan publishes 20 events a second to 5,000 clients, 100,000 deliveries a second, for 60 s: none is lost and p99 is
// below 500 ms (check 59).
func fan(r *scenario.Run) {
	s := r.Serve(server.Conditions{})
	count := r.Size(5000, 1000)
	h := connectReaders(r, s, "fan", "fan", count, 1)
	before := figures(r, s).Processor
	publisher := (&scenario.Publisher{Device: "fan", Publishers: 1, Rate: 20}).Start(s)
	span := r.Span(60*time.Second, 3*time.Second)
	time.Sleep(span)
	publisher.Stop()
	f := settled(r, h, 59, int64(count*len(publisher.Acks)))
	used := (figures(r, s).Processor - before).Seconds() / span.Seconds()
	r.Want(59, p99(f) < r.Bound(500*time.Millisecond), "p99 is %s", ms(p99(f)))
	r.Want(59, len(publisher.Acks) > int(0.9*20*span.Seconds()), "only %d events were published in %s",
		len(publisher.Acks), span)
	r.Figure(59, "%d clients, %d events, %d deliveries in %s: p50 %s, p99 %s, %.0f %% of a core", count,
		len(publisher.Acks), f.Messages, span, ms(p50(f)), ms(p99(f)), 100*used)
}

// settled waits for the last deliveries, and wants that they are as many as they should be, in order.
func settled(r *scenario.Run, h *readers, check int, want int64) (f loadgen.Stats) {
	r.Await(5*time.Second, func() bool { f = h.figures(); return f.Messages >= want })
	r.Must(h.err())
	r.Want(check, f.Messages == want && f.Gaps == 0 && f.Closed == 0,
		"%d of %d deliveries arrived, %d out of order, %d clients closed", f.Messages, want, f.Gaps, f.Closed)
	return f
}

// held brings in 15,000 clients and holds them for 10 minutes: none is dropped, memory is at most 20
// KiB each and an idle server needs less than 15 % of a core (check 57).
func held(r *scenario.Run) {
	s := r.Serve(server.Conditions{})
	base, err := s.Resident()
	r.Must(err)
	count := r.Size(15_000, 2500) // fewer would share what the server grows by for the first, some 12 MiB
	h := connectReaders(r, s, "held", "held", count, 1)
	began := figures(r, s).Processor
	span := r.Span(10*time.Minute, 2*time.Second)
	time.Sleep(span)
	r.Must(h.err())
	f, now := h.figures(), figures(r, s)
	used := 100 * (now.Processor - began).Seconds() / span.Seconds()
	each := float64(now.Resident-base) / float64(count) / 1024
	r.Want(57, f.Closed == 0 && now.Connections == int64(count), "%d were dropped, %d are left", f.Closed,
		now.Connections)
	r.Want(57, each <= 20, "memory is %.1f KiB each", each)
	r.Want(57, used < 15, "idle, the server needs %.1f %% of a core", used)
	publisher := (&scenario.Publisher{Device: "held", Publishers: 1, Rate: 5}).Start(s)
	time.Sleep(time.Second)
	publisher.Stop()
	settled(r, h, 57, int64(count*len(publisher.Acks)))
	r.Figure(57, "%d held for %s: %d dropped, %.1f KiB RSS each, %.1f %% of a core", count, span, f.Closed, each, used)
}
