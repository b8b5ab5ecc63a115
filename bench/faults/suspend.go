package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// suspend stops the server with SIGSTOP for 1, 10 and 60 s (brief: 15 s; short: 1 s alone) and lets it go on, while two publishers publish
// and clients listen. Afterwards publishes are answered again within 2 s, nobody heard anything twice or in disorder or
// missed anything, and the server holds exactly those connections that their clients hold (check 49).
func suspend(d *scenario.Run) {
	pauses := []time.Duration{time.Second, 10 * time.Second, d.Span(60*time.Second, 10*time.Second)}
	pauses = pauses[:d.Size(3, 1)]
	s := d.Serve(server.Conditions{})
	source := &scenario.Publisher{Device: "suspend", Publishers: 2, Rate: 50, Stubborn: true}
	source.Start(s)
	worst := time.Duration(0)
	ended := 0
	for i, pause := range pauses {
		crowd, err := client.DialAll(s.Address, d.Size(500, 100), client.Users(fmt.Sprint("suspended-", i), "suspend"))
		d.Must(err)
		crowd.Listen()
		time.Sleep(300 * time.Millisecond)
		worst = max(worst, pausing(d, s, source, pause))
		time.Sleep(time.Second)
		ended += wrongly(d, s, crowd)
		crowd.Close()
		d.Await(5*time.Second, func() bool { return figures(d, s).Connections == 0 })
		readers := crowd.Readers(false)
		source.Stop()
		d.Faultless(49, source.Topic(readers, nil).Faults())
		source.Start(s)
	}
	source.Stop()
	d.Want(49, figures(d, s).Connections == 0, "connections outlive their clients: %d", figures(d, s).Connections)
	d.Figure(49, "SIGSTOP %v: first answer after at most %s; %d acknowledged, %d not answered; %d connections ended by it", pauses, ms(worst), len(source.Acks), source.Refused[0], ended)
}

// pausing stops the server for a while, and returns how long it takes afterwards until publishes are acknowledged.
func pausing(d *scenario.Run, s *server.Server, source *scenario.Publisher, pause time.Duration) time.Duration {
	d.Must(s.Signal(syscall.SIGSTOP))
	time.Sleep(pause)
	before := source.Acked()
	began := time.Now()
	d.Must(s.Signal(syscall.SIGCONT))
	took, ok := d.Await(5*time.Second, func() bool { return source.Acked() > before+2 })
	d.Want(49, ok && took < 2*time.Second, "after a stop of %s no publish was acknowledged for %s", pause, time.Since(began))
	return took
}

// wrongly wants that both sides agree on who is connected, and returns how many the pause has ended.
func wrongly(d *scenario.Run, s *server.Server, crowd *client.Group) (ended int) {
	for _, c := range crowd.Clients {
		if !c.Over() {
			continue
		}
		ended++
	}
	now := figures(d, s)
	d.Want(49, now.Connections == int64(len(crowd.Clients)-ended), "the server holds %d connections, the clients %d", now.Connections, len(crowd.Clients)-ended)
	return ended
}
