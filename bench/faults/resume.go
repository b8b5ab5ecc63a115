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

// resume lets 500 clients leave and come back 100 times while 500 events a second are published on 10 topics. A client
// that comes back subscribes first, then asks for what it missed, and leaves out of the live events those that it got
// that way: no gap, no duplicate, one order (check 32).
func resume(r *scenario.Run) {
	topics, rounds := 10, r.Size(100, 5)
	s := r.Serve(server.Conditions{Env: remembering})
	var publishers []*scenario.Publisher
	for i := range topics {
		publisher := &scenario.Publisher{Device: fmt.Sprint("resume-", i), Publishers: 1, Rate: 500 / float64(topics)}
		publishers = append(publishers, publisher.Start(s))
	}
	resumers := make([]*resumer, r.Size(500, 100))
	var roaming sync.WaitGroup
	began := time.Now()
	for i := range resumers {
		resumers[i] = &resumer{s: s, name: fmt.Sprint("resumer-", i), device: publishers[i%topics].Device}
		seed := r.Random.Uint64()
		roaming.Go(func() { resumers[i].run(rounds, seed) })
	}
	roaming.Wait()
	took := time.Since(began)
	missed, acknowledged, heard := int64(0), 0, 0
	for i, publisher := range publishers {
		publisher.Stop()
		var readers []checker.Reader
		for j := i; j < len(resumers); j += topics {
			r.Must(resumers[j].failed)
			readers = append(readers, checker.Reader{Name: resumers[j].name, Heard: resumers[j].heard})
			missed, heard = missed+resumers[j].missed.Load(), heard+len(resumers[j].heard)
		}
		acknowledged += len(publisher.Acks)
		r.Faultless(32, publisher.Topic(readers, nil).Faults())
	}
	r.Want(32, missed > 0, "nobody missed anything, so nothing was resumed")
	r.Figure(32, "%d clients, %d times each, in %.1f s: %d published, %d heard, %d of them resumed", len(resumers),
		rounds, took.Seconds(), acknowledged, heard, missed)
}

// resumer is a client that comes and goes and keeps its position.
type resumer struct {
	s            *server.Server
	name, device string

	epoch  string
	offset uint64
	heard  []uint64
	missed atomic.Int64
	failed error
}

func (n *resumer) run(rounds int, seed uint64) {
	if n.epoch, n.offset, n.failed = n.position(); n.failed != nil {
		return
	}
	for round := range rounds {
		stay := time.Duration((seed>>(round%32))%60) * time.Millisecond
		if n.failed = n.session(stay); n.failed != nil {
			n.failed = fmt.Errorf("%s, round %d: %w", n.name, round+1, n.failed)
			return
		}
		time.Sleep(stay / 2)
	}
}

// position waits until the topic exists.
func (n *resumer) position() (epoch string, offset uint64, err error) {
	for range 100 {
		if epoch, offset, err = n.s.Position(n.device); err == nil {
			return epoch, offset, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return epoch, offset, err
}

// session subscribes, fetches what was missed, and listens for a while.
func (n *resumer) session(stay time.Duration) error {
	c, err := client.Dial(n.s.Address, client.Options{User: n.name, Devices: []string{n.device}})
	if err != nil {
		return err
	}
	defer c.Cut()
	missed, err := n.s.After(n.device, n.epoch, n.offset)
	if err != nil {
		return fmt.Errorf("resuming at %s %d: %w", n.epoch, n.offset, err)
	}
	got := map[uint64]bool{}
	for _, e := range missed.Events {
		got[e.Number] = true
		n.heard, n.offset = append(n.heard, e.Number), e.Offset
	}
	n.missed.Add(int64(len(missed.Events)))
	_ = c.SetReadDeadline(time.Now().Add(stay))
	c.Listen()
	for _, number := range c.Heard {
		if !got[number] {
			n.heard, n.offset = append(n.heard, number), n.offset+1
		}
	}
	return nil
}
