package main

import (
	"time"

	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
	"github.com/parley-realtime/parley/bench/loadgen"
)

// latency publishes 1,000 events a second to 100 clients: p50 is below 5 ms and p99 below 50 ms (check 34).
func latency(d *scenario.Run) {
	s := d.Serve(server.Conditions{})
	h := gather(d, s, "near", "latency", 100, 4)
	source := (&scenario.Publisher{Device: "latency", Publishers: 4, Rate: 250}).Start(s)
	time.Sleep(d.Span(10*time.Second, 2*time.Second))
	source.Stop()
	f := settled(d, h, 34, int64(100*len(source.Acks)))
	d.Want(34, p50(f) < d.Bound(5*time.Millisecond), "p50 is %s", ms(p50(f)))
	d.Want(34, p99(f) < d.Bound(50*time.Millisecond), "p99 is %s", ms(p99(f)))
	d.Figure(34, "%d events to 100 clients: p50 %s, p99 %s", len(source.Acks), ms(p50(f)), ms(p99(f)))
}

// fan publishes 20 events a second to 5,000 clients, 100,000 deliveries a second, for 60 s: none is lost and p99 is below
// 500 ms (check 59).
func fan(d *scenario.Run) {
	s := d.Serve(server.Conditions{})
	count := d.Size(5000, 1000)
	h := gather(d, s, "fan", "fan", count, 1)
	before := figures(d, s).Processor
	source := (&scenario.Publisher{Device: "fan", Publishers: 1, Rate: 20}).Start(s)
	span := d.Span(60*time.Second, 3*time.Second)
	time.Sleep(span)
	source.Stop()
	f := settled(d, h, 59, int64(count*len(source.Acks)))
	used := (figures(d, s).Processor - before).Seconds() / span.Seconds()
	d.Want(59, p99(f) < d.Bound(500*time.Millisecond), "p99 is %s", ms(p99(f)))
	d.Want(59, len(source.Acks) > int(0.9*20*span.Seconds()), "only %d events were published in %s", len(source.Acks), span)
	d.Figure(59, "%d clients, %d events, %d deliveries in %s: p50 %s, p99 %s, %.0f %% of a core", count, len(source.Acks), f.Messages, span, ms(p50(f)), ms(p99(f)), 100*used)
}

// settled waits for the last deliveries, and wants that they are as many as they should be, in order.
func settled(d *scenario.Run, h *herd, check int, want int64) (f loadgen.Stats) {
	d.Await(5*time.Second, func() bool { f = h.figures(); return f.Messages >= want })
	d.Must(h.fault())
	d.Want(check, f.Messages == want && f.Gaps == 0 && f.Closed == 0, "%d of %d deliveries arrived, %d out of order, %d clients closed", f.Messages, want, f.Gaps, f.Closed)
	return f
}

// held brings in 15,000 clients and holds them for 10 minutes: none is dropped, memory is at most 20
// KiB each and an idle server needs less than 15 % of a core (check 57).
func held(d *scenario.Run) {
	s := d.Serve(server.Conditions{})
	base, err := s.Resident()
	d.Must(err)
	count := d.Size(15_000, 1000)
	h := gather(d, s, "held", "held", count, 1)
	began := figures(d, s).Processor
	span := d.Span(10*time.Minute, 2*time.Second)
	time.Sleep(span)
	d.Must(h.fault())
	f, now := h.figures(), figures(d, s)
	used := 100 * (now.Processor - began).Seconds() / span.Seconds()
	each := float64(now.Resident-base) / float64(count) / 1024
	d.Want(57, f.Closed == 0 && now.Connections == int64(count), "%d were dropped, %d are left", f.Closed, now.Connections)
	d.Want(57, each <= 20, "memory is %.1f KiB each", each)
	d.Want(57, used < 15, "idle, the server needs %.1f %% of a core", used)
	source := (&scenario.Publisher{Device: "held", Publishers: 1, Rate: 5}).Start(s)
	time.Sleep(time.Second)
	source.Stop()
	settled(d, h, 57, int64(count*len(source.Acks)))
	d.Figure(57, "%d held for %s: %d dropped, %.1f KiB RSS each, %.1f %% of a core", count, span, f.Closed, each, used)
}
