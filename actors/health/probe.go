package health

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Probes are the ways through a node by which something has to get for it to be ready, each with a name. The zero
// Probes has none. They may be used by many goroutines at once.
type Probes struct {
	turn sync.Mutex // one question at a time

	mu   sync.Mutex // guards ways
	ways []*probe
}

// probe is one way. One goroutine at a time tries it: one that is stuck in it is left there, and counts as failed.
type probe struct {
	name string
	try  func(context.Context) error
	out  atomic.Bool
}

// outcome is what became of a probe.
type outcome struct {
	probe *probe
	err   error
}

// Lost is the error of Probe: the ways by which nothing gets through.
type Lost struct{ Ways []string }

func (l *Lost) Error() string { return "nothing gets through " + strings.Join(l.Ways, ", ") }

// AddProbe has Probe try one more way, such as a writer of sockets or a partition of a store. try ends when its context
// does; its error may be a Lost, to name what fails in other words.
func (p *Probes) AddProbe(name string, try func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ways = append(p.ways, &probe{name: name, try: try})
}

// Count is how many ways there are.
func (p *Probes) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ways)
}

// Probe tries all ways at once and returns how long the slowest took. It blocks until all have answered or ctx ends.
// The error is a Lost, or a protocol.Refusal that says Draining if the node ends.
func (p *Probes) Probe(ctx context.Context) (time.Duration, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	all := p.ways
	p.mu.Unlock()
	start := time.Now()
	if err := tryAll(ctx, all); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

func tryAll(ctx context.Context, all []*probe) error {
	ended := make(chan outcome, len(all))
	open := map[*probe][]string{} // those that have not come through, and how they are called
	for _, p := range all {
		open[p] = []string{p.name}
		if p.out.CompareAndSwap(false, true) {
			go func() {
				err := p.try(ctx)
				p.out.Store(false)
				ended <- outcome{p, err}
			}()
		}
	}
	for range all {
		select {
		case o := <-ended:
			if refusal, ok := o.err.(*protocol.Refusal); ok && refusal.Reason == protocol.Draining {
				return refusal
			}
			if o.err == nil {
				delete(open, o.probe)
			}
			if l, knows := o.err.(*Lost); knows {
				open[o.probe] = l.Ways
			}
		case <-ctx.Done():
			return lost(all, open)
		}
	}
	return lost(all, open)
}

// lost names those that are open, in the order of all; nil if none is.
func lost(all []*probe, open map[*probe][]string) error {
	var ways []string
	for _, p := range all {
		ways = append(ways, open[p]...)
	}
	if ways == nil {
		return nil
	}
	return &Lost{ways}
}
