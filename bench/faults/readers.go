package main

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
	"github.com/parley-realtime/parley/bench/loadgen"
)

// readers are very many clients on one thread that read everything and check the order.
type readers struct {
	generator *loadgen.Generator
	commands  chan func() // run on the goroutine of run
	ended     chan error
}

// connectReaders connects clients that subscribe to a device. name is the prefix of their users.
func connectReaders(r *scenario.Run, s *server.Server, name, device string, count, publishers int) *readers {
	token := make([]string, count+1)
	for i := range token {
		var err error
		token[i], err = client.Token(fmt.Sprint(name, "-", i))
		r.Must(err)
	}
	made, err := loadgen.New(loadgen.Plan{
		Address: s.Address, Ready: `"pong"`, Stamp: `"t":`, Sequence: `"s":`, Series: publishers,
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
	c := &readers{generator: made, commands: make(chan func()), ended: make(chan error, 1)}
	go c.run()
	r.Cleanup(func() {
		c.do(func() { c.generator = nil })
		made.Close()
	})
	return c
}

// run reads until the generator is taken away.
func (c *readers) run() {
	for c.generator != nil {
		err := c.generator.Run(func() bool {
			select {
			case order := <-c.commands:
				order()
				return c.generator == nil
			default:
				return false
			}
		})
		if err != nil {
			c.ended <- err
			for c.generator != nil { // no caller of do may wait for ever
				(<-c.commands)()
			}
		}
	}
}

// do runs a function between two reads.
func (c *readers) do(order func()) {
	done := make(chan struct{})
	c.commands <- func() { order(); close(done) }
	<-done
}

// err is why the clients no longer read, nil while they do.
func (c *readers) err() error {
	select {
	case err := <-c.ended:
		return err
	default:
		return nil
	}
}

// figures are what the clients saw since reset.
func (c *readers) figures() (f loadgen.Stats) {
	c.do(func() { f = c.generator.Stats() })
	return f
}

func (c *readers) reset() { c.do(func() { c.generator.Reset() }) }

// p99 is the latency that 99 of 100 deliveries stay below.
func p99(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(99)) * time.Microsecond
}

func p50(f loadgen.Stats) time.Duration {
	return time.Duration(f.Latency.ValueAtQuantile(50)) * time.Microsecond
}

// maxTail is the bound on a p99 while other clients misbehave: twice what it was, or 5 ms where that is less. A short
// run measures too little, beside too many others, for that bound.
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
