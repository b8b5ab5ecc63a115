package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// suspend stops the server with SIGSTOP for 1, 10 and 60 s (brief: 15 s; short: 1 s alone) and lets it go on, while two
// publishers publish and clients listen. Afterwards publishes are answered again within 2 s, nobody heard anything
// twice or in disorder or missed anything, and the server holds exactly those connections that their clients hold
// (check 49).
func suspend(r *scenario.Run) {
	pauses := []time.Duration{time.Second, 10 * time.Second, r.Span(60*time.Second, 10*time.Second)}
	pauses = pauses[:r.Size(3, 1)]
	s := r.Serve(server.Conditions{})
	publisher := &scenario.Publisher{Device: "suspend", Publishers: 2, Rate: 50, Stubborn: true}
	publisher.Start(s)
	worst := time.Duration(0)
	ended := 0
	for i, pause := range pauses {
		group, err := client.DialAll(s.Address, r.Size(500, 100), client.Users(fmt.Sprint("suspended-", i), "suspend"))
		r.Must(err)
		group.Listen()
		time.Sleep(300 * time.Millisecond)
		worst = max(worst, pauseServer(r, s, publisher, pause))
		time.Sleep(time.Second)
		ended += compareConnections(r, s, group)
		group.Close()
		r.Await(5*time.Second, func() bool { return figures(r, s).Connections == 0 })
		readers := group.Readers(false)
		publisher.Stop()
		r.Faultless(49, publisher.Topic(readers, nil).Faults())
		publisher.Start(s)
	}
	publisher.Stop()
	r.Want(49, figures(r, s).Connections == 0, "connections outlive their clients: %d", figures(r, s).Connections)
	r.Figure(49, "SIGSTOP %v: first answer after at most %s; %d acknowledged, %d not answered; %d connections ended "+
		"by it", pauses, ms(worst), len(publisher.Acks), publisher.Refused[0], ended)
}

// pauseServer stops the server for a while, and returns how long it takes afterwards until it acknowledges publishes.
func pauseServer(r *scenario.Run, s *server.Server, publisher *scenario.Publisher, pause time.Duration) time.Duration {
	r.Must(s.Signal(syscall.SIGSTOP))
	time.Sleep(pause)
	before := publisher.Acked()
	began := time.Now()
	r.Must(s.Signal(syscall.SIGCONT))
	took, ok := r.Await(5*time.Second, func() bool { return publisher.Acked() > before+2 })
	r.Want(49, ok && took < 2*time.Second, "after a stop of %s no publish was acknowledged for %s", pause,
		time.Since(began))
	return took
}

// compareConnections wants that both sides agree on which connections are open, and returns how many the pause has
// ended.
func compareConnections(r *scenario.Run, s *server.Server, group *client.Group) (ended int) {
	for _, c := range group.Clients {
		if !c.Over() {
			continue
		}
		ended++
	}
	now := figures(r, s)
	r.Want(49, now.Connections == int64(len(group.Clients)-ended), "the server holds %d connections, the clients %d",
		now.Connections, len(group.Clients)-ended)
	return ended
}
