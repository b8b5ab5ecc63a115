package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// memory gives the server a limit of 512 MiB (GOMEMLIMIT; short: 128 MiB) and lets happen at once what costs most: 100
// of 1,000 clients stop reading while 200 events of 1 KiB a second are published, 100 clients subscribe to 1,000 topics
// of their own each, 3,000 announce a message of 64 KiB that does not come, and 2,400 topics fill their histories of
// 256 KiB. That would take more than 700 MiB. The server
// sheds load before the kernel would end it, answers each publish, if only with 503, and takes clients and publishes
// again when the flood is over (check 46).
func memory(r *scenario.Run) {
	limit := int64(r.Size(512<<20, 128<<20))
	s := r.Serve(server.Conditions{Env: []string{fmt.Sprint("GOMEMLIMIT=", limit)}})
	size := func(full int) int { return r.Size(full, full/5) }
	connectReaders(r, s, "reader", "memory", size(900), 1)
	group := func(count int, who func(i int) client.Options) *client.Group {
		made, err := client.DialAll(s.Address, count, who)
		r.Must(err)
		r.Cleanup(made.Close)
		return made
	}
	stopped := group(size(100), client.Users("stopped", "memory"))
	claims := group(size(3000), func(i int) client.Options { return client.Options{User: fmt.Sprint("claims-", i)} })
	greedy := group(size(100), func(i int) client.Options { return client.Options{User: fmt.Sprint("greedy-", i)} })
	publishers := []*scenario.Publisher{{Device: "memory", Publishers: 1, Rate: 200, Pad: 900}}
	for i := range size(2400) {
		publishers = append(publishers, &scenario.Publisher{Device: fmt.Sprint("full-", i), Publishers: 1, Rate: 2,
			Pad: 16_000})
	}
	for _, publisher := range publishers {
		publisher.Start(s)
	}
	head := append(client.Header(client.Final|client.Text, 64<<10), `{"type":`...)
	for _, c := range claims.Clients {
		_, err := c.Write(head)
		r.Must(err)
	}
	subscribe(greedy, r.Span(15*time.Second, 10*time.Second))
	sent, acked, refused := stop(publishers)
	alive(r, s)
	now := figures(r, s)
	withstood(r, limit, now)
	r.Want(46, acked+refused[503] == sent, "of %d publishes %d were acknowledged and %v refused, by status", sent,
		acked, refused)
	for _, made := range []*client.Group{stopped, claims, greedy} {
		made.Close()
	}
	took := recovers(r, s)
	r.Figure(46, "limit %s: at most %s resident; %d times something was shed, %d clients closed as slow; %d of %d "+
		"publishes acknowledged, the others got 503; calm %.1f s after the flood",
		mib(limit), mib(now.Peak), now.Shed, now.Slow, acked, sent, took.Seconds())
}

// withstood wants that the flood came near the limit, that the server shed load then, and that it stayed below what a
// cgroup would allow it: the limit is 90 % of that. A short run has a small limit and noisy neighbours.
func withstood(r *scenario.Run, limit int64, now server.Figures) {
	most := limit / 9 * 10
	if r.Short {
		most = limit / 4 * 5
	}
	r.Want(46, now.Peak > limit/100*85, "only %s of %s were resident: that is no flood", mib(now.Peak), mib(limit))
	r.Want(46, now.Shed > 0, "nothing was shed with %s of %s resident", mib(now.Peak), mib(limit))
	r.Want(46, now.Peak < most, "%s were resident; with a limit of %s at most %s may be", mib(now.Peak), mib(limit),
		mib(most))
}

// stop ends publishing and adds up the results: refused counts by status.
func stop(publishers []*scenario.Publisher) (sent, acked int, refused map[int]int) {
	var stopping sync.WaitGroup
	for _, publisher := range publishers {
		stopping.Go(publisher.Stop)
	}
	stopping.Wait()
	refused = map[int]int{}
	for _, publisher := range publishers {
		sent, acked = sent+len(publisher.Sent), acked+len(publisher.Acks)
		for status, count := range publisher.Refused {
			refused[status] += count
		}
	}
	return sent, acked, refused
}

// recovers waits until a server that was short of memory takes clients and publishes again.
func recovers(r *scenario.Run, s *server.Server) time.Duration {
	took, calm := r.Await(90*time.Second, func() bool { time.Sleep(time.Second); return figures(r, s).Stage == 0 })
	r.Want(46, calm, "%.0f s after the flood memory is still short: %+v", took.Seconds(), figures(r, s))
	c, err := client.Dial(s.Address, client.Options{User: "after"})
	r.Want(46, err == nil, "afterwards nobody is let in: %v", err)
	if err == nil {
		c.Cut()
	}
	_, err = s.Publish("after", 1, 0)
	r.Want(46, err == nil, "afterwards a publish is refused: %v", err)
	return took
}

// subscribe lets each client subscribe to 1,000 topics of its own over a span, within its rate.
func subscribe(group *client.Group, span time.Duration) {
	group.Listen()
	began := time.Now()
	for k := 0; k < 1000 && time.Since(began) < span; k += 50 {
		for i, c := range group.Clients {
			for j := range 50 {
				line := fmt.Sprintf(`{"type":"subscribe","channel":"telemetry","device_id":"own-%d-%d"}`, i, k+j)
				_ = c.Send(line) // the client may be closed by now
			}
		}
		time.Sleep(span / 20)
	}
	time.Sleep(span - min(span, time.Since(began)))
}
