package main

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/drill"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// memory gives the server a limit of 512 MiB (GOMEMLIMIT) and lets happen at once what costs most: 100 of 1,000 clients
// stop reading while 200 events of 1 KiB a second are published, 100 clients subscribe to 1,000 topics of their own each,
// and 3,000 announce a message of 64 KiB that does not come. The server stays within the limit, does not crash, goes on
// to answer publishes, and lets a new client in afterwards (check 46).
func memory(d *drill.Drill) {
	const limit = 512 << 20
	s := d.Serve(server.Conditions{Env: []string{fmt.Sprint("GOMEMLIMIT=", limit)}})
	size := func(full int) int { return d.Size(full, full/10) }
	gather(d, s, "reader", "memory", size(900), 1)
	stopped, err := client.DialAll(s.Address, size(100), client.Users("stopped", "memory"))
	d.Must(err)
	defer stopped.Close()
	claims, err := client.DialAll(s.Address, size(3000), func(i int) client.Options { return client.Options{User: fmt.Sprint("claims-", i)} })
	d.Must(err)
	defer claims.Close()
	source := (&drill.Source{Device: "memory", Publishers: 1, Rate: 200, Pad: 900}).Start(s)
	head := append(client.Claim(client.Final|client.Text, 64<<10), `{"type":`...)
	for _, c := range claims.Clients {
		_, err := c.Write(head)
		d.Must(err)
	}
	greedy, err := client.DialAll(s.Address, size(100), func(i int) client.Options { return client.Options{User: fmt.Sprint("greedy-", i)} })
	d.Must(err)
	defer greedy.Close()
	subscribe(greedy, d.Span(10*time.Second, 2*time.Second))
	source.Stop()
	alive(d, s)
	now := figures(d, s)
	d.Want(46, now.Peak < limit, "%s were resident, the limit is %s", mib(now.Peak), mib(limit))
	d.Want(46, len(source.Acks)*10 >= len(source.Sent)*9, "%d of %d publishes were acknowledged", len(source.Acks), len(source.Sent))
	c, err := client.Dial(s.Address, client.Options{User: "after"})
	d.Want(46, err == nil, "afterwards nobody is let in: %v", err)
	if err == nil {
		c.Cut()
	}
	d.Figure(46, "limit %s: at most %s resident; %d closed as slow; %d of %d publishes acknowledged, the slowest after %s", mib(limit), mib(now.Peak), now.Slow, len(source.Acks), len(source.Sent), ms(source.Slowest))
}

// subscribe lets each client subscribe to 1,000 topics of its own over a span, within its rate.
func subscribe(crowd *client.Crowd, span time.Duration) {
	crowd.Listen()
	began := time.Now()
	for k := 0; k < 1000 && time.Since(began) < span; k += 50 {
		for i, c := range crowd.Clients {
			for j := range 50 {
				_ = c.Say(fmt.Sprintf(`{"type":"subscribe","channel":"telemetry","device_id":"own-%d-%d"}`, i, k+j)) // it may be closed by now
			}
		}
		time.Sleep(span / 20)
	}
	time.Sleep(span - min(span, time.Since(began)))
}
