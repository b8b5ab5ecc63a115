package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/loadgen"
	"github.com/parley-realtime/parley/bench/process"
)

// phase is what happened while publishers published.
type phase struct {
	events int64
	took   time.Duration // until the last event arrived
	seen   loadgen.Stats
	newest int // how many clients heard the last event
}

// drain is how long what was published may take to arrive.
const drain = 5 * time.Second

// load publishes for a while, or until ctx is canceled, and waits until everything has arrived.
func (m *measurement) load(ctx context.Context, during time.Duration) (phase, error) {
	m.clients.Reset()
	m.inFlight.Store(0)
	before, began := m.events(), time.Now()
	failed := make(chan error, len(m.publishers))
	var busy sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(len(m.publishers)))
	for _, p := range m.publishers {
		busy.Go(func() {
			defer left.Add(-1)
			if err := p.Run(ctx, began.Add(during)); err != nil && !errors.Is(err, context.Canceled) {
				failed <- err
			}
		})
	}
	late := until(during + drain)
	err := m.clients.Run(func() bool {
		return left.Load() == 0 && m.arrived(m.events()-before) || late() || len(failed) > 0
	})
	busy.Wait()
	stopped := time.Now()
	if err == nil && len(failed) > 0 {
		err = <-failed
	}
	f := phase{events: m.events() - before, seen: m.clients.Stats(), newest: m.clients.Heard(m.events())}
	f.took = max(f.seen.Last.Sub(began), min(stopped.Sub(began), during))
	if err == nil {
		err = f.whole(m.of)
	}
	return f, err
}

// arrived reports whether so many events of the phase have arrived or, with Latest, the newest of them.
func (m *measurement) arrived(events int64) bool {
	if m.of.Latest {
		return m.clients.Heard(m.events()) == m.of.Clients
	}
	return m.clients.Messages() >= events*m.of.fanOut()
}

// whole returns an error unless everything arrived, once and in order.
func (f *phase) whole(c *Case) error {
	want := f.events * c.fanOut()
	switch {
	case f.seen.Closed > 0:
		return fmt.Errorf("%d clients were cut off", f.seen.Closed)
	case c.Latest && f.newest != c.Clients:
		return fmt.Errorf("%d of %d clients heard the newest event", f.newest, c.Clients)
	case f.seen.Messages != want && !c.Latest || f.seen.Messages > want:
		return fmt.Errorf("%d of %d deliveries arrived", f.seen.Messages, want)
	case f.seen.Gaps > 0:
		return fmt.Errorf("%d deliveries were out of order", f.seen.Gaps)
	case c.Deflate && f.seen.Compressed < want:
		return fmt.Errorf("%d of %d deliveries were compressed", f.seen.Compressed, want)
	case want == 0:
		return errors.New("nothing was published")
	}
	return nil
}

// held returns an error unless the publishers kept the rate of the case: within 5 %, or one call of each publisher if
// that is more.
func (f *phase) held(c *Case) error {
	rate, call := float64(f.events)/c.For.Seconds(), 1.5*float64(c.Publishers*max(1, c.Items))/c.For.Seconds()
	if c.Rate > 0 && math.Abs(rate-c.Rate) > max(c.Rate/20, call) {
		return fmt.Errorf("%.1f events a second were published, not %.0f", rate, c.Rate)
	}
	return nil
}

// measure puts the server under load, and takes the figures.
func (m *measurement) measure(ctx context.Context) error {
	before, err := m.server.Figures()
	if err != nil {
		return err
	}
	self, err := process.Processor(os.Getpid())
	if err != nil {
		return err
	}
	f, err := m.load(ctx, m.of.For)
	if err != nil {
		return err
	}
	if err := f.held(m.of); err != nil {
		return err
	}
	after, err := m.server.Figures()
	if err != nil {
		return err
	}
	now, err := process.Processor(os.Getpid())
	if err != nil {
		return err
	}
	spent := (after.Processor - before.Processor).Seconds()
	m.figures[Processor] = spent * 1e6 / float64(f.seen.Messages)
	m.figures[Server] = 100 * spent / f.took.Seconds()
	m.figures[Median] = float64(f.seen.Latency.ValueAtQuantile(50)) / 1000
	m.figures[Tail] = float64(f.seen.Latency.ValueAtQuantile(99)) / 1000
	m.figures[Deliveries] = float64(f.seen.Messages) / f.took.Seconds()
	m.figures[Publishes] = float64(f.events) / f.took.Seconds()
	m.figures[Generator] = 100 * (now - self).Seconds() / f.took.Seconds()
	return nil
}
