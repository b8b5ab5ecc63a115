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
// time of up to 5 s, tries again as often as it must, and asks for what it missed: of a durable topic it gets all of
// it, of a memory topic it is told that its position is lost. All are back within 20 s, those that are refused are told
// when to try again, none waits in vain, and all hear what is published then (check 58).
func storm(r *scenario.Run) {
	reconnectAll(r, r.Serve(server.Conditions{}), "storm", false)
	durable(r, []int{58}, func(c server.Conditions) { reconnectAll(r, r.Serve(c), "durable-storm", true) })
}

// reconnectAll is the storm of the clients of one topic, which resume if the topic is durable.
func reconnectAll(r *scenario.Run, s *server.Server, device string, kept bool) {
	const bound, missed = 20 * time.Second, 10
	count := r.Size(10_000, 500)
	group, err := client.DialAll(s.Address, count, client.Users("storm", device))
	r.Must(err)
	first, err := s.Publish(device, 1, 0)
	r.Must(err)
	for number := range uint64(missed) {
		_, err := s.Publish(device, number+2, 0)
		r.Must(err)
	}
	s.Kill()
	group.Close()
	r.Start(s)
	began := time.Now()
	b := &reconnection{s: s, device: device, position: first, missed: missed, clients: make([]*client.Client, count)}
	delays := make([]time.Duration, count)
	for i := range delays {
		delays[i] = time.Duration(r.Random.Int64N(int64(r.Span(5*time.Second, time.Second))))
	}
	b.run(delays, began.Add(bound+10*time.Second))
	took := time.Since(began)
	back := &client.Group{Clients: b.clients}
	defer back.Close()
	r.Want(58, b.in.Load() == int64(count) && took < bound, "%d of %d were back after %s; %v", b.in.Load(), count, took,
		b.oddly.Load())
	r.Want(58, b.silent.Load() == 0, "%d tries were not answered; %v", b.silent.Load(), b.oddly.Load())
	r.Want(58, b.rude.Load() == 0, "%d refusals did not say when to try again", b.rude.Load())
	if kept {
		r.Want(58, b.resumed.Load() == int64(count), "%d of %d got what they missed of a durable topic; %v",
			b.resumed.Load(), count, b.oddly.Load())
	} else {
		r.Want(58, b.lost.Load() == int64(count), "%d of %d were told that their position is lost; %v", b.lost.Load(),
			count, b.oddly.Load())
	}
	if b.in.Load() == int64(count) {
		back.Listen()
		_, err = s.Publish(device, missed+2, 0)
		r.Must(err)
		r.Want(58, back.AwaitEvents(1, 10*time.Second), "not everybody hears what is published afterwards")
	}
	r.Figure(58, "%d clients of %s: all back after %.1f s, start %d ms; %d refused politely, %d not answered; %d "+
		"resumed, %d told 409", count, device, took.Seconds(), s.Took.Milliseconds(), b.polite.Load(), b.silent.Load(),
		b.resumed.Load(), b.lost.Load())
}

// reconnection is a storm of clients that come back.
type reconnection struct {
	s        *server.Server
	device   string
	position checker.Ack
	missed   int // events since then
	clients  []*client.Client

	in, polite, rude, silent, lost, resumed atomic.Int64
	oddly                                   atomic.Value // an error that is neither
}

func (b *reconnection) run(delays []time.Duration, until time.Time) {
	var coming sync.WaitGroup
	for i, delay := range delays {
		coming.Go(func() {
			time.Sleep(delay)
			for try := 1; time.Now().Before(until) && !b.reconnect(i); try++ {
				time.Sleep(time.Duration(try) * 200 * time.Millisecond)
			}
		})
	}
	coming.Wait()
}

// reconnect tries to connect and to resume.
func (b *reconnection) reconnect(i int) bool {
	c, err := client.Dial(b.s.Address, client.Users("storm", b.device)(i))
	if err != nil {
		b.refused(err)
		return false
	}
	b.clients[i] = c
	b.in.Add(1)
	got, err := b.s.After(b.device, b.position.Epoch, b.position.Offset)
	switch {
	case server.Status(err) == 409:
		b.lost.Add(1)
	case err == nil && got.Epoch == b.position.Epoch && b.consecutive(got.Events):
		b.resumed.Add(1)
	default:
		b.oddly.Store(fmt.Sprintf("resuming: %v, %d events", err, len(got.Events)))
	}
	return true
}

// consecutive reports whether the events are all that was missed, in order.
func (b *reconnection) consecutive(events []checker.Ack) bool {
	for i, e := range events {
		if e.Offset != b.position.Offset+uint64(i)+1 || e.Number != b.position.Number+uint64(i)+1 {
			return false
		}
	}
	return len(events) == b.missed
}

func (b *reconnection) refused(err error) {
	b.oddly.Store(err.Error())
	switch refused, ok := err.(*server.Refused); {
	case !ok:
		b.silent.Add(1)
	case refused.Retry == "":
		b.rude.Add(1)
	default:
		b.polite.Add(1)
	}
}
