package main

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
	"github.com/parley-realtime/parley/bench/loadgen"
)

// herd are very many clients that read all that comes, on one thread, and check the order.
type herd struct {
	swarm  *loadgen.Generator
	orders chan func() // done on the herd's goroutine
	ended  chan error
}

// gather brings in clients that listen to a device; every user is called after the herd.
func gather(d *scenario.Run, s *server.Server, name, device string, count, publishers int) *herd {
	token := make([]string, count+1)
	for i := range token {
		var err error
		token[i], err = client.Token(fmt.Sprint(name, "-", i))
		d.Must(err)
	}
	made, err := loadgen.New(loadgen.Plan{
		Address: s.Address, Ready: `"pong"`, Stamp: `"t":`, Sequence: `"s":`, Publishers: publishers,
		Client: func(n int) loadgen.ClientPlan {
			return loadgen.ClientPlan{Path: "/ws", Say: []string{`{"type":"auth","token":"` + token[n] + `"}`,
				fmt.Sprintf(`{"type":"subscribe","channel":"telemetry","device_id":%q}`, device), `{"type":"ping"}`}}
		},
	})
	d.Must(err)
	if err := made.Connect(1, count); err != nil {
		made.Close()
		d.Must(err)
	}
	h := &herd{swarm: made, orders: make(chan func()), ended: make(chan error, 1)}
	go h.graze()
	d.Cleanup(func() {
		h.do(func() { h.swarm = nil })
		made.Close()
	})
	return h
}

// graze reads until the swarm is taken away.
func (h *herd) graze() {
	for h.swarm != nil {
		err := h.swarm.Run(func() bool {
			select {
			case order := <-h.orders:
				order()
				return h.swarm == nil
			default:
				return false
			}
		})
		if err != nil {
			h.ended <- err
			for h.swarm != nil { // nobody shall wait for it
				(<-h.orders)()
			}
		}
	}
}

// do lets something happen between two reads.
func (h *herd) do(order func()) {
	done := make(chan struct{})
	h.orders <- func() { order(); close(done) }
	<-done
}

// fault is why it reads no longer, nil while it does.
func (h *herd) fault() error {
	select {
	case err := <-h.ended:
		return err
	default:
		return nil
	}
}

// figures are what it saw since reset.
func (h *herd) figures() (f loadgen.Stats) {
	h.do(func() { f = h.swarm.Stats() })
	return f
}

func (h *herd) reset() { h.do(func() { h.swarm.Reset() }) }

// p99 is the largest time of 99 of 100 deliveries.
func p99(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(99)) * time.Microsecond
}

func p50(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(50)) * time.Microsecond
}

// bearable is what a p99 has to stay below while others misbehave: twice what it was, or 5 ms where that is less. A short
// run measures too little beside too many others for that.
func bearable(d *scenario.Run, before time.Duration) time.Duration {
	if d.Short {
		return max(2*before, 500*time.Millisecond)
	}
	return max(2*before, 5*time.Millisecond)
}

// ms is a duration as figures say it.
func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// mib are bytes as figures say them.
func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
