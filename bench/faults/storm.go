package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/drill"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// storm kills the server with kill -9 under 10,000 clients and starts it again. Each client comes back after a random
// time of up to 5 s, tries again as often as it must, and asks for what it missed; all are back within 20 s, those that
// are refused are told when to try again, none waits in vain, and all hear what is published then (check 58).
func storm(d *drill.Drill) {
	const device, bound = "storm", 20 * time.Second
	s := d.Serve(server.Conditions{})
	count := d.Size(10_000, 500)
	crowd, err := client.DialAll(s.Address, count, client.Users("storm", device))
	d.Must(err)
	ack, err := s.Publish(device, 1, 0)
	d.Must(err)
	s.Kill()
	crowd.Close()
	d.Start(s)
	began := time.Now()
	r := &returning{s: s, device: device, position: ack, clients: make([]*client.Client, count)}
	delays := make([]time.Duration, count)
	for i := range delays {
		delays[i] = time.Duration(d.Random.Int64N(int64(d.Span(5*time.Second, time.Second))))
	}
	r.all(delays, began.Add(bound+10*time.Second))
	took := time.Since(began)
	back := &client.Crowd{Clients: r.clients}
	defer back.Close()
	d.Want(58, r.in.Load() == int64(count) && took < bound, "%d of %d were back after %s; %v", r.in.Load(), count, took, r.oddly.Load())
	d.Want(58, r.silent.Load() == 0, "%d tries were not answered; %v", r.silent.Load(), r.oddly.Load())
	d.Want(58, r.rude.Load() == 0, "%d refusals did not say when to try again", r.rude.Load())
	d.Want(58, r.lost.Load() == int64(count), "%d of %d were told that their position is lost; %v", r.lost.Load(), count, r.oddly.Load())
	if r.in.Load() == int64(count) {
		back.Listen()
		_, err = s.Publish(device, 2, 0)
		d.Must(err)
		d.Want(58, back.Heard(1, 10*time.Second), "not everybody hears what is published afterwards")
	}
	d.Figure(58, "%d clients: all back after %.1f s, start %d ms; %d refused politely, %d not answered; %d told 409", count, took.Seconds(), s.Took.Milliseconds(), r.polite.Load(), r.silent.Load(), r.lost.Load())
}

// returning are clients that come back.
type returning struct {
	s        *server.Server
	device   string
	position checker.Ack
	clients  []*client.Client

	in, polite, rude, silent, lost atomic.Int64
	oddly                          atomic.Value // an error that is neither
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
	switch _, err = r.s.After(r.device, r.position.Epoch, r.position.Offset); server.Status(err) {
	case 409:
		r.lost.Add(1)
	default:
		r.oddly.Store(fmt.Sprint("resuming: ", err))
	}
	return true
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
