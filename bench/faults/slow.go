package main

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// slow lets one of ten clients stop reading while 200 events of 1 KiB a second are published to all: those are closed
// as slow within 10 s, memory rises by less than 200 MiB, and the p99 of the others is below twice what it was, or
// below 5 ms where that is less (check 37). A client that takes 1 KiB a second ends in the same way, and what waits for
// it stays within the limit (check 38). Clients that do not read and are disconnected by the server leave nothing
// behind after 5 s (check 39).
func slow(r *scenario.Run) {
	s := r.Serve(server.Conditions{})
	stopped := r.Size(100, 20)
	h := connectReaders(r, s, "reader", "slow", 9*stopped, 1)
	publisher := &scenario.Publisher{Device: "slow", Publishers: 1, Rate: 200, Pad: 900}
	publisher.Start(s)
	time.Sleep(time.Duration(r.Size(5, 2)) * time.Second) // in a brief run, too: what follows is compared with it
	before := h.figures()
	memory, err := s.Resident()
	r.Must(err)
	r.Must(s.Forget())
	h.reset()

	group, err := client.DialAll(s.Address, stopped, client.Users("stopped", "slow"))
	r.Must(err)
	defer group.Close()
	trickle(r, s, publisher, stopped)
	publisher.Stop()
	r.Await(2*time.Second, func() bool { return h.figures().Messages >= 0 && h.err() == nil })
	after, now := h.figures(), figures(r, s)
	r.Must(h.err())
	r.Want(37, now.Peak-memory < 200<<20, "memory rose by %s", mib(now.Peak-memory))
	r.Want(37, p99(after) < maxTail(r, p99(before)), "the p99 of the others rose from %s to %s", ms(p99(before)),
		ms(p99(after)))
	r.Want(37, after.Closed == 0 && before.Gaps+after.Gaps == 0, "%d of the others were closed, %d events out of order",
		after.Closed, before.Gaps+after.Gaps)
	r.Figure(37, "%d of %d stopped; p99 of the others %s, undisturbed %s; memory +%s; slowest answer to a publish "+
		"%s; %d of %d publishes acknowledged",
		stopped, 10*stopped, ms(p99(after)), ms(p99(before)), mib(now.Peak-memory), ms(publisher.Slowest),
		len(publisher.Acks), len(publisher.Sent))
	disconnectStuck(r)
}

// trickle waits until the stopped clients are gone; meanwhile and afterwards it reads 1 KiB a second.
func trickle(r *scenario.Run, s *server.Server, publisher *scenario.Publisher, stopped int) {
	const limit = 1 << 20
	group, err := client.DialAll(s.Address, 1, func(int) client.Options {
		return client.Options{User: "trickle", Devices: []string{publisher.Device}, Buffer: 4 << 10}
	})
	r.Must(err)
	defer group.Close()
	began, slowly := time.Now(), group.Clients[0]
	epoch, offset, err := s.Position(publisher.Device)
	r.Must(err)
	most, gone, ended := int64(0), time.Duration(0), time.Duration(0)
	buf := make([]byte, 102)
	for next := began; time.Since(began) < 40*time.Second && (gone == 0 || ended == 0); {
		time.Sleep(time.Until(next))
		next = next.Add(100 * time.Millisecond)
		_, _ = slowly.Read(buf) // its end is seen from the other side
		queued, there, err := s.Queued("trickle")
		r.Must(err)
		most = max(most, queued)
		if !there && ended == 0 {
			ended = time.Since(began)
		}
		if gone == 0 && figures(r, s).Slow >= int64(stopped) {
			gone = time.Since(began)
		}
	}
	r.Want(37, gone > 0 && gone < r.Bound(10*time.Second),
		"the stopped clients were gone as slow after %s (0s is never)", gone)
	r.Figure(37, "all gone as slow after %.1f s", gone.Seconds())
	r.Want(38, ended > 0, "a client that takes 1 KiB a second was still there after 40 s")
	r.Want(38, most <= limit, "%d bytes waited for a client that takes 1 KiB a second, the limit is %d", most, limit)
	r.Figure(38, "closed after %.1f s; at most %d KiB waited for it (limit %d)", ended.Seconds(), most>>10, limit>>10)
	_, err = s.After(publisher.Device, epoch, offset)
	r.Want(38, err == nil || server.Status(err) == 409, "resuming gave %v, neither events nor 409", err)
}

// disconnectStuck disconnects clients that do not read.
func disconnectStuck(r *scenario.Run) {
	s := r.Serve(server.Conditions{})
	base := figures(r, s)
	count := r.Size(100, 20)
	group, err := client.DialAll(s.Address, count, func(i int) client.Options {
		return client.Options{User: fmt.Sprint("stuck-", i), Devices: []string{"stuck"}, Buffer: 4 << 10}
	})
	r.Must(err)
	defer group.Close()
	publisher := &scenario.Publisher{Device: "stuck", Publishers: 1, Rate: 200, Pad: 4000}
	publisher.Start(s)
	time.Sleep(500 * time.Millisecond)
	publisher.Stop()
	began := time.Now()
	for i := range count {
		r.Must(s.Disconnect(fmt.Sprint("stuck-", i)))
	}
	var now server.Figures
	_, ok := r.Await(r.Bound(5*time.Second)-time.Since(began), func() bool {
		now = figures(r, s)
		return now.Connections == 0 && now.Goroutines <= base.Goroutines+5
	})
	r.Want(39, ok, "long after the server closed %d stuck clients there are %d connections and %d goroutines, %d "+
		"before", count, now.Connections, now.Goroutines, base.Goroutines)
	r.Figure(39, "%d stuck clients disconnected: gone, with their goroutines, after %.1f s", count,
		time.Since(began).Seconds())
}

// figures are the server's; without them the scenario ends.
func figures(r *scenario.Run, s *server.Server) server.Figures {
	f, err := s.Figures()
	r.Must(err)
	return f
}

// alive ends the scenario if the server has ended.
func alive(r *scenario.Run, s *server.Server) {
	if !s.Alive() {
		r.Must(fmt.Errorf("the server ended; it said: %s", s.Said()))
	}
}
