package fault

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/copyonwrite"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// maxFaults is how many faults a node may have, and maxMarks how many of them may name topics.
const (
	maxFaults = 32
	maxMarks  = 8
)

// Faults are those of a node. Its methods may be called from many goroutines at once; none blocks.
type Faults struct {
	// Find finds a connection of a tenant, and Log gets a line when a fault begins and ends. Static after the start.
	Find func(tenant string, number uint64) (info.Source, bool)
	Log  *slog.Logger

	mu     sync.Mutex // held for a change of all; guards number
	number int        // of the last fault
	all    copyonwrite.List[*Fault]
}

// Any reports whether there is a fault.
func (s *Faults) Any() bool { return s.all.Any() }

// Put begins a fault. Errors are protocol.Refusals: Malformed, Busy if there are too many.
func (s *Faults) Put(tenant string, spec Spec) (*Fault, error) {
	spec = spec.filled()
	if spec.Kind == Cut {
		spec.For = 0
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	mark, ok := s.freeMark(spec.Topic)
	if !ok || len(s.all.All()) >= maxFaults {
		const detail = "there are too many faults; take one away"
		return nil, &protocol.Refusal{Reason: protocol.Busy, RetryAfter: time.Minute, Detail: detail}
	}
	s.number++
	f := &Fault{Spec: spec, id: fmt.Sprint("fault-", s.number), tenant: tenant, began: time.Now(), mark: mark,
		random: rand.New(rand.NewPCG(spec.Seed, 0))}
	s.Log.Warn("a fault is injected", "fault", f.id, "tenant", tenant, "kind", string(spec.Kind), "user", spec.User,
		"topic", spec.Topic, "connection", spec.Connection, "dialect", spec.Dialect, "percent", spec.Percent,
		"for", spec.For)
	if spec.Kind != Cut {
		f.timer = time.AfterFunc(spec.For, func() { s.end(f) })
		s.all.Add(f)
	}
	return f, nil
}

// freeMark returns a mark that no fault of a topic has; mu is held.
func (s *Faults) freeMark(topic string) (mark uint8, ok bool) {
	if topic == "" {
		return 0, true
	}
	for i := range maxMarks {
		mark = 1 << i
		if !slices.ContainsFunc(s.all.All(), func(f *Fault) bool { return f.mark == mark }) {
			return mark, true
		}
	}
	return 0, false
}

// List returns the faults of a tenant, the oldest first.
func (s *Faults) List(tenant string) (all []Info) {
	for _, f := range s.all.All() {
		if f.tenant == tenant {
			all = append(all, f.Info())
		}
	}
	return all
}

// Remove ends a fault of a tenant. The error is a protocol.Refusal of NotFound.
func (s *Faults) Remove(tenant, id string) (Info, error) {
	for _, f := range s.all.All() {
		if f.tenant == tenant && f.id == id {
			s.end(f)
			return f.Info(), nil
		}
	}
	return Info{}, protocol.Refuse(protocol.NotFound, "there is no fault %s; it may be over", protocol.Quote(id))
}

// Close ends all faults.
func (s *Faults) Close() {
	for _, f := range s.all.All() {
		s.end(f)
	}
}

func (s *Faults) end(f *Fault) {
	s.mu.Lock()
	s.all.Remove(f)
	s.mu.Unlock()
	f.end(s.Log)
}

// Mark notes on the frame of an event, which nobody else has yet, which faults are about its topic.
func (s *Faults) Mark(tenant, topic string, frame *outbox.Frame) {
	if frame == nil {
		return
	}
	for _, f := range s.all.All() {
		if f.mark != 0 && f.tenant == tenant && protocol.Under(topic, f.Topic) {
			frame.Mark |= f.mark
		}
	}
}

// Offer offers a frame to an outbox, as Outbox.Offer does at once, unless a fault hits it: of an event that is lost or
// late it says that it was taken.
func (s *Faults) Offer(o *outbox.Outbox, frame *outbox.Frame) int {
	if !frame.IsEvent() {
		return o.Offer(frame, outbox.AtOnce)
	}
	for _, f := range s.all.All() {
		if f.Kind == Refuse || f.mark != 0 && frame.Mark&f.mark == 0 {
			continue
		}
		source, found := s.Find(f.tenant, o.Number())
		if !found || !f.fits(source) {
			continue
		}
		if n, hit := f.offer(o, frame); hit {
			return n
		}
	}
	return o.Offer(frame, outbox.AtOnce)
}

// offer offers an event of a target as the fault has it; false if it is not hit.
func (f *Fault) offer(o *outbox.Outbox, frame *outbox.Frame) (taken int, hit bool) {
	switch f.Kind {
	case Mute:
		return 0, f.count(f.chooses(o.Number()))
	case Drop:
		return 0, f.chance()
	case Delay:
		return 0, f.chance() && f.hold(o, frame)
	case Duplicate:
		if f.chance() {
			taken = o.Offer(frame, outbox.AtOnce)
			if more := o.Offer(frame, outbox.AtOnce); taken >= 0 && more > 0 {
				taken += more
			}
			return taken, true
		}
	}
	return 0, false
}

// Mutes reports whether a message of a connection of the tenant is not heard.
func (s *Faults) Mutes(tenant string, number uint64) bool {
	for _, f := range s.all.All() {
		if f.Kind == Mute && f.tenant == tenant {
			if source, found := s.Find(tenant, number); found && f.Hits(number, source) {
				return true
			}
		}
	}
	return false
}

// Refuse says whether a handshake of a client of the tenant is refused; nil is not. If asked is not nil it counts
// nothing, and answers for those faults that hit all.
func (s *Faults) Refuse(tenant, dialect string, asked *decision.Record) *protocol.Refusal {
	for _, f := range s.all.All() {
		if f.Kind != Refuse || f.tenant != tenant || !f.fits(info.Source{Dialect: dialect}) {
			continue
		}
		if asked == nil && f.chance() || asked != nil && !asked.Text(decision.Fault, f.id, f.Percent < 100) {
			err := protocol.Refuse(reasons[f.Status], "%s refuses it, which somebody injected", f.id)
			if f.Status == 429 || f.Status == 503 {
				err.RetryAfter = time.Second
			}
			return err
		}
	}
	return nil
}
