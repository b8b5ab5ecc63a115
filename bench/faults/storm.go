package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// storm kills the server with kill -9 under 10,000 clients and starts it again. Each client comes back after a random
// time of up to 5 s, tries again as often as it must, and asks for what it missed: of a durable topic it gets all of it,
// of a memory topic it is told that its position is lost. All are back within 20 s, those that are refused are told when to
// try again, none waits in vain, and all hear what is published then (check 58).
func storm(d *scenario.Run) {
	storming(d, d.Serve(server.Conditions{}), "storm", false)
	durable(d, []int{58}, func(c server.Conditions) { storming(d, d.Serve(c), "durable-storm", true) })
}

// storming is the storm of one topic's clients, who resume if it is kept.
func storming(d *scenario.Run, s *server.Server, device string, kept bool) {
	const bound, missed = 20 * time.Second, 10
	count := d.Size(10_000, 500)
	crowd, err := client.DialAll(s.Address, count, client.Users("storm", device))
	d.Must(err)
	first, err := s.Publish(device, 1, 0)
	d.Must(err)
	for number := range uint64(missed) {
		_, err := s.Publish(device, number+2, 0)
		d.Must(err)
	}
	s.Kill()
	crowd.Close()
	d.Start(s)
	began := time.Now()
	r := &returning{s: s, device: device, position: first, missed: missed, clients: make([]*client.Client, count)}
	delays := make([]time.Duration, count)
	for i := range delays {
		delays[i] = time.Duration(d.Random.Int64N(int64(d.Span(5*time.Second, time.Second))))
	}
	r.all(delays, began.Add(bound+10*time.Second))
	took := time.Since(began)
	back := &client.Group{Clients: r.clients}
	defer back.Close()
	d.Want(58, r.in.Load() == int64(count) && took < bound, "%d of %d were back after %s; %v", r.in.Load(), count, took, r.oddly.Load())
	d.Want(58, r.silent.Load() == 0, "%d tries were not answered; %v", r.silent.Load(), r.oddly.Load())
	d.Want(58, r.rude.Load() == 0, "%d refusals did not say when to try again", r.rude.Load())
	if kept {
		d.Want(58, r.resumed.Load() == int64(count), "%d of %d got what they missed of a durable topic; %v", r.resumed.Load(), count, r.oddly.Load())
	} else {
		d.Want(58, r.lost.Load() == int64(count), "%d of %d were told that their position is lost; %v", r.lost.Load(), count, r.oddly.Load())
	}
	if r.in.Load() == int64(count) {
		back.Listen()
		_, err = s.Publish(device, missed+2, 0)
		d.Must(err)
		d.Want(58, back.AwaitEvents(1, 10*time.Second), "not everybody hears what is published afterwards")
	}
	d.Figure(58, "%d clients of %s: all back after %.1f s, start %d ms; %d refused politely, %d not answered; %d resumed, %d told 409", count, device, took.Seconds(), s.Took.Milliseconds(), r.polite.Load(), r.silent.Load(), r.resumed.Load(), r.lost.Load())
}

// returning are clients that come back.
type returning struct {
	s        *server.Server
	device   string
	position checker.Ack
	missed   int // events since then
	clients  []*client.Client

	in, polite, rude, silent, lost, resumed atomic.Int64
	oddly                                   atomic.Value // an error that is neither
}

func (r *returning) all(delays []time.Duration, until time.Time) {
	var coming sync.WaitGroup
	for i, delay := range delays {
		coming.Go(func() {
			time.Sleep(delay)
			for try := 1; time.Now().Before(until) && !r.one(i); try++ {
				time.Sleep(time.Duration(try) * 200 * time.Millisecond)
			}
		})
	}
	coming.Wait()
}

// one tries to come in and to resume.
func (r *returning) one(i int) bool {
	c, err := client.Dial(r.s.Address, client.Users("storm", r.device)(i))
	if err != nil {
		r.refused(err)
		return false
	}
	r.clients[i] = c
	r.in.Add(1)
	got, err := r.s.After(r.device, r.position.Epoch, r.position.Offset)
	switch {
	case server.Status(err) == 409:
		r.lost.Add(1)
	case err == nil && got.Epoch == r.position.Epoch && r.consecutive(got.Events):
		r.resumed.Add(1)
	default:
		r.oddly.Store(fmt.Sprintf("resuming: %v, %d events", err, len(got.Events)))
	}
	return true
}

// consecutive reports whether it is all that was missed, in order.
func (r *returning) consecutive(events []checker.Ack) bool {
	for i, e := range events {
		if e.Offset != r.position.Offset+uint64(i)+1 || e.Number != r.position.Number+uint64(i)+1 {
			return false
		}
	}
	return len(events) == r.missed
}

func (r *returning) refused(err error) {
	r.oddly.Store(err.Error())
	switch refused, ok := err.(*server.Refused); {
	case !ok:
		r.silent.Add(1)
	case refused.Retry == "":
		r.rude.Add(1)
	default:
		r.polite.Add(1)
	}
}
