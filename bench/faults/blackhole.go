package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// blackhole lets 1,000 clients (short: 100, and shorter pings) vanish without a word from the network: what the server
// sends them leads nowhere. They are gone within two ping intervals and 5 s (check 50), their users are not present any
// more by then (check 33), and memory and descriptors are back. It needs root and ip(8) for a network of its own, in
// which packets to the clients' address are dropped; without these the clients just stop to read and to answer, which
// the server's kernel cannot tell from a network that only delivers acknowledgements.
func blackhole(r *scenario.Run) {
	every := r.Span(25*time.Second, time.Second)
	var c server.Conditions
	if every != 25*time.Second {
		c.Env = []string{fmt.Sprint("PARLEY_ENGINE_PING_EVERY=", every),
			fmt.Sprint("PARLEY_ENGINE_TIMEOUT=", 2*every+2*time.Second)}
	}
	n, why := isolate(r)
	if why != nil {
		r.Note("no network of its own: %v; the clients stop reading instead", why)
		r.Figure(50, "without a network of its own (%v)", why)
		vanish(r, r.New(c), every, "", func() {}, func(do func()) { do() })
		return
	}
	c.Within = n.do
	vanish(r, r.New(c), every, "127.0.0.2", func() {
		var err error
		n.do(func() { err = ip("route", "add", "blackhole", "127.0.0.2/32", "table", "local") })
		r.Must(err)
	}, n.do)
}

// network is a thread in a network namespace of its own: sockets and processes that it opens and starts are in it.
type network struct{ jobs chan func() }

// isolate makes a network, which ends with the scenario.
func isolate(r *scenario.Run) (*network, error) {
	n := &network{jobs: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with this goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = ip("link", "set", "lo", "up")
		}
		ready <- err
		for err == nil {
			job, more := <-n.jobs
			if !more {
				return
			}
			job()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	r.Cleanup(func() { close(n.jobs) })
	return n, nil
}

// do lets something happen in the network.
func (n *network) do(job func()) {
	done := make(chan struct{})
	n.jobs <- func() { job(); close(done) }
	<-done
}

// ip runs ip(8) in the network of the calling thread.
func ip(args ...string) error {
	if said, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, said)
	}
	return nil
}

// vanish connects the clients, cuts them off, and waits until the server knows.
func vanish(r *scenario.Run, s *server.Server, every time.Duration, from string, cut func(), within func(func())) {
	r.Start(s)
	base := figures(r, s)
	count := r.Size(1000, 100)
	clients := make([]*client.Client, count)
	for i := range clients {
		var err error
		within(func() {
			clients[i], err = client.Dial(s.Address,
				client.Options{User: fmt.Sprint("vanished-", i), Devices: []string{"blackhole"}, From: from})
		})
		r.Must(err)
		defer clients[i].Cut()
	}
	answerPings(clients, every+2*time.Second)
	held := figures(r, s)
	cut()
	began, bound := time.Now(), 2*every+5*time.Second
	awaitAbsence(r, s, count, began, bound)
	_, ok := r.Await(bound+30*time.Second-time.Since(began), func() bool { return figures(r, s).Connections == 0 })
	gone := time.Since(began)
	r.Want(50, ok && gone < bound, "after a blackhole %d of %d connections were gone after %.1f s; two ping "+
		"intervals of %s and 5 s are %s", count-int(figures(r, s).Connections), count, gone.Seconds(), every, bound)
	_, ok = r.Await(10*time.Second, func() bool {
		now := figures(r, s)
		return now.Files <= base.Files+5 && now.Goroutines <= base.Goroutines+10
	})
	now := awaitHeap(r, s, base.Heap)
	forgotten(r, base, held, now)
	r.Want(50, ok, "afterwards there are %d descriptors and %d goroutines, before %d and %d", now.Files, now.Goroutines,
		base.Files, base.Goroutines)
	r.Figure(50, "%d clients, pings every %s: all gone after %.1f s (bound %s); heap %s, with them %s", count, every,
		gone.Seconds(), bound, mib(now.Heap), mib(held.Heap))
}

// slack is how much larger the heap may be than before the clients came, in bytes.
const slack = 2 << 20

// awaitHeap waits until an idle server has given back the memory that it used, for at most a minute. It asks seldom:
// each question makes garbage, and a server tidies up when it makes little.
func awaitHeap(r *scenario.Run, s *server.Server, heap int64) (now server.Figures) {
	for late := time.Now().Add(time.Minute); time.Now().Before(late); time.Sleep(3 * time.Second) {
		if now = figures(r, s); now.Heap <= heap+slack {
			break
		}
	}
	return now
}

// forgotten wants the memory back.
func forgotten(r *scenario.Run, base, held, now server.Figures) {
	r.Want(50, now.Heap <= base.Heap+slack, "afterwards the heap is %s, with them it was %s and before %s",
		mib(now.Heap), mib(held.Heap), mib(base.Heap))
}

// answerPings lets all clients answer pings for a while, so that the server has heard from all of them shortly before
// it ends.
func answerPings(clients []*client.Client, span time.Duration) {
	until := time.Now().Add(span)
	for _, c := range clients {
		_ = c.SetReadDeadline(until)
	}
	group := &client.Group{Clients: clients}
	group.Listen()
	group.Wait(span + 5*time.Second)
}

// awaitAbsence waits until the users are no longer present.
func awaitAbsence(r *scenario.Run, s *server.Server, count int, began time.Time, bound time.Duration) {
	last := fmt.Sprint("vanished-", count-1)
	_, gone := r.Await(bound+30*time.Second, func() bool {
		for _, user := range []string{"vanished-0", last} {
			there, err := s.Present(user)
			r.Must(err)
			if there {
				return false
			}
		}
		return true
	})
	took := time.Since(began)
	r.Want(33, gone && took < bound+5*time.Second, "%s and vanished-0 were present %.1f s after the blackhole", last,
		took.Seconds())
	r.Figure(33, "users in a blackhole were present for %.1f s", took.Seconds())
}
