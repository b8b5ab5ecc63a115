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
type readers struct {
	generator *loadgen.Generator
	commands  chan func() // done on the herd's goroutine
	ended     chan error
}

// gather brings in clients that listen to a device; every user is called after the herd.
func connectReaders(r *scenario.Run, s *server.Server, name, device string, count, publishers int) *readers {
	token := make([]string, count+1)
	for i := range token {
		var err error
		token[i], err = client.Token(fmt.Sprint(name, "-", i))
		r.Must(err)
	}
	made, err := loadgen.New(loadgen.Plan{
		Address: s.Address, Ready: `"pong"`, Stamp: `"t":`, Sequence: `"s":`, Publishers: publishers,
		Client: func(n int) loadgen.ClientPlan {
			return loadgen.ClientPlan{Path: "/ws", Say: []string{`{"type":"auth","token":"` + token[n] + `"}`,
				fmt.Sprintf(`{"type":"subscribe","channel":"telemetry","device_id":%q}`, device), `{"type":"ping"}`}}
		},
	})
	r.Must(err)
	if err := made.Connect(1, count); err != nil {
		made.Close()
		r.Must(err)
	}
	h := &readers{generator: made, commands: make(chan func()), ended: make(chan error, 1)}
	go h.run()
	r.Cleanup(func() {
		h.do(func() { h.generator = nil })
		made.Close()
	})
	return h
}

// graze reads until the swarm is taken away.
func (h *readers) run() {
	for h.generator != nil {
		err := h.generator.Run(func() bool {
			select {
			case order := <-h.commands:
				order()
				return h.generator == nil
			default:
				return false
			}
		})
		if err != nil {
			h.ended <- err
			for h.generator != nil { // nobody shall wait for it
				(<-h.commands)()
			}
		}
	}
}

// do lets something happen between two reads.
func (h *readers) do(order func()) {
	done := make(chan struct{})
	h.commands <- func() { order(); close(done) }
	<-done
}

// fault is why it reads no longer, nil while it does.
func (h *readers) err() error {
	select {
	case err := <-h.ended:
		return err
	default:
		return nil
	}
}

// figures are what it saw since reset.
func (h *readers) figures() (f loadgen.Stats) {
	h.do(func() { f = h.generator.Stats() })
	return f
}

func (h *readers) reset() { h.do(func() { h.generator.Reset() }) }

// p99 is the largest time of 99 of 100 deliveries.
func p99(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(99)) * time.Microsecond
}

func p50(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(50)) * time.Microsecond
}

// bearable is what a p99 has to stay below while others misbehave: twice what it was, or 5 ms where that is less. A short
// run measures too little beside too many others for that.
func maxTail(r *scenario.Run, before time.Duration) time.Duration {
	if r.Short {
		return max(2*before, 500*time.Millisecond)
	}
	return max(2*before, 5*time.Millisecond)
}

// ms is a duration as figures say it.
func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// mib are bytes as figures say them.
func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
