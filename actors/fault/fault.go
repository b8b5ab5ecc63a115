package fault

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
)

// Fault is one fault while it lasts.
type Fault struct {
	// Static.
	Spec
	id     string
	tenant string
	began  time.Time
	mark   uint8 // of the frames of its topic; 0 where it names none
	timer  *time.Timer

	hits atomic.Uint64

	mu     sync.Mutex // guards what is below
	random *rand.Rand
	held   []heldFrame // that are late, in their order
	bytes  int         // of the frames in held
	flush  *time.Timer // when the first of them is due; nil before the first
	over   bool
}

// Info is what can be said of a fault.
type Info struct {
	Spec
	ID          string
	Began, Ends time.Time
	Hits        uint64 // events, connections or handshakes so far
}

// Info returns what can be said of the fault now.
func (f *Fault) Info() Info {
	return Info{f.Spec, f.id, f.began, f.began.Add(f.For), f.hits.Load()}
}

// fits reports whether a connection is among the targets.
func (f *Fault) fits(of info.Source) bool {
	is := func(wanted, has string) bool { return wanted == "" || wanted == has }
	return is(f.User, of.User) && is(f.Connection, of.Connection) && is(f.Dialect, of.Dialect)
}

// chance decides by chance, and counts a hit.
func (f *Fault) chance() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(f.Percent == 100 || f.random.IntN(100) < f.Percent)
}

// Hits decides about a connection, always alike, and counts it.
func (f *Fault) Hits(number uint64, of info.Source) bool {
	return f.fits(of) && f.count(f.chooses(number))
}

// chooses decides about a connection, always alike.
func (f *Fault) chooses(number uint64) bool {
	return f.Percent == 100 || rand.New(rand.NewPCG(f.Seed, number)).IntN(100) < f.Percent
}

func (f *Fault) count(hit bool) bool {
	if hit {
		f.hits.Add(1)
	}
	return hit
}

// These bound the events that one fault holds, once for each connection; others are lost meanwhile.
const (
	maxHeld      = 4096
	maxHeldBytes = 16 << 20
)

// heldFrame is an event that is late.
type heldFrame struct {
	outbox *outbox.Outbox
	frame  *outbox.Frame
	due    time.Time
}

// hold keeps an event back. It reports false if the fault is over.
func (f *Fault) hold(o *outbox.Outbox, frame *outbox.Frame) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return false
	}
	if size := frame.Bytes(); len(f.held) < maxHeld && f.bytes+size <= maxHeldBytes {
		f.bytes += size
		f.held = append(f.held, heldFrame{o, frame, time.Now().Add(f.Delay)})
	}
	switch {
	case f.flush == nil:
		f.flush = time.AfterFunc(f.Delay, f.release)
	case len(f.held) == 1:
		f.flush.Reset(f.Delay)
	}
	return true
}

// release delivers what is due.
func (f *Fault) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, now := 0, time.Now()
	for ; n < len(f.held) && (f.over || !f.held[n].due.After(now)); n++ {
		h := f.held[n]
		f.bytes -= h.frame.Bytes()
		h.outbox.Charge(h.outbox.Offer(h.frame, outbox.AtOnce)) // a reader that is full loses it
	}
	if f.held = append(f.held[:0:0], f.held[n:]...); len(f.held) > 0 {
		f.flush.Reset(f.held[0].due.Sub(now))
	}
}

// end ends the fault: what it holds is delivered.
func (f *Fault) end(log *slog.Logger) {
	f.mu.Lock()
	first := !f.over
	f.over = true
	f.timer.Stop()
	if f.flush != nil {
		f.flush.Stop()
	}
	f.mu.Unlock()
	f.release()
	if first {
		log.Info("a fault is over", "fault", f.id, "tenant", f.tenant, "kind", string(f.Kind), "hits", f.hits.Load())
	}
}
