package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// machine is the state machine of one slot. What it applies is written without waiting for the disk, since the log has
// it on disk already; after a crash Raft applies again what is missing, and what is not is skipped by its index.
//
// Offsets are given here and not by the topic's home: what the log says twice, or says in the name of a leader that is
// none any more, then makes neither a hole nor two events with one offset. The same goes for what is known twice.
type machine struct {
	slot uint16
	db   *pebble.DB
	log  *slog.Logger

	seeds  atomic.Pointer[seeds] // state.seeds; anybody reads it, as
	forgot atomic.Uint64         // this: state.forgot

	// Only Raft's goroutine for state machines touches these.
	state   state
	heads   *simplelru.LRU[string, *head] // those used lately
	touched []*head                       // by the entry at hand
	fresh   map[string]history.Outcome    // ids seen in the entry at hand
	ids     *pebble.Iterator              // those seen before it; nil until one is asked for
	broken  error                         // why nothing is applied any more
	scratch []byte
}

// headsKept bounds the heads in memory, per slot. It is above what one entry can touch.
const headsKept = 4 * batchCount

// state is what the machine knows of itself.
type state struct {
	applied uint64 // index of the newest entry that is applied
	seeds   seeds
	forgot  uint64 // how many topics were forgotten or renewed: a topic that comes back gets another salt
	bucket  uint64 // the newest span of time in which an id was seen
}

// applied is what Apply answers.
type applied struct {
	outcomes []history.Outcome // one per operation
	term     uint64
	err      error // of all of them
}

func newMachine(slot uint16, db *pebble.DB, log *slog.Logger) (*machine, error) {
	m := &machine{slot: slot, db: db, log: log, fresh: map[string]history.Outcome{}}
	m.heads, _ = simplelru.NewLRU[string, *head](headsKept, nil)
	return m, m.load()
}

func (m *machine) load() error {
	m.heads.Purge()
	value, closer, err := m.db.Get(slotKey(letterState, m.slot))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		m.state = state{}
	case err != nil:
		return err
	default:
		defer closer.Close()
		c := cursor{rest: value}
		m.state = state{applied: c.number(), forgot: c.number(), bucket: c.number()}
		copy(m.state.seeds.strict[:], c.take(16))
		copy(m.state.seeds.relaxed[:], c.take(16))
		if c.bad {
			return errors.New("its state cannot be read")
		}
	}
	now := m.state.seeds
	m.seeds.Store(&now)
	m.forgot.Store(m.state.forgot)
	return nil
}

func (m *machine) save(b *pebble.Batch) error {
	v := binary.AppendUvarint(m.scratch[:0], m.state.applied)
	v = binary.AppendUvarint(v, m.state.forgot)
	v = binary.AppendUvarint(v, m.state.bucket)
	v = append(append(v, m.state.seeds.strict[:]...), m.state.seeds.relaxed[:]...)
	m.scratch = v
	return b.Set(slotKey(letterState, m.slot), v, nil)
}

// Apply implements raft.FSM.
func (m *machine) Apply(l *raft.Log) any {
	if l.Index <= m.state.applied {
		return &applied{term: l.Term}
	}
	if m.broken != nil {
		return &applied{err: m.broken}
	}
	b := m.db.NewBatch()
	defer b.Close()
	a := m.apply(b, l)
	m.state.applied = l.Index
	err := errors.Join(a.err, m.saveHeads(b), m.save(b))
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	if err != nil { // what is in memory is ahead of the store: it is not to be trusted any more
		m.broken = fmt.Errorf("slot %d is out of order since entry %d: %w", m.slot, l.Index, err)
		m.log.Error("a slot takes nothing any more until the next start", "slot", m.slot, "entry", l.Index, "cause", err)
		a.err = m.broken
	}
	return a
}

func (m *machine) apply(b *pebble.Batch, l *raft.Log) *applied {
	a := &applied{term: l.Term}
	clear(m.fresh)
	c := cursor{rest: l.Data}
	if kept := c.octet(); kept != entryStrict && kept != entryRelaxed {
		c.bad = true
	}
	var o operation
	for !c.bad && o.next(&c) {
		a.outcomes = append(a.outcomes, m.do(b, &o))
	}
	if c.bad {
		a.err = fmt.Errorf("entry %d of the log cannot be read", l.Index)
	}
	if m.ids != nil {
		a.err = errors.Join(a.err, m.ids.Close())
		m.ids = nil
	}
	return a
}

func (m *machine) do(b *pebble.Batch, o *operation) history.Outcome {
	switch o.deed {
	case deedReseed:
		return m.reseed(o)
	case deedProbe:
		return history.Outcome{}
	case deedRenew:
		m.state.forgot++
		m.forgot.Store(m.state.forgot)
		if o.topic == "" {
			return history.Outcome{}
		}
	}
	h, err := m.head(o.tenant, o.topic)
	if errors.Is(err, errDamagedHead) && o.deed == deedRenew { // it is mended when somebody opens it, and begins a new epoch then
		return history.Outcome{}
	}
	if err != nil && o.deed != deedMend {
		m.log.Error("a topic cannot be read", "slot", m.slot, "tenant", o.tenant, "topic", o.topic, "cause", err)
		return history.Outcome{Err: &protocol.Refusal{Reason: protocol.Internal}}
	}
	switch o.deed {
	case deedAdd:
		return m.add(b, h, o)
	case deedTrim:
		err = m.trim(b, h, o)
	case deedForget:
		err = m.forget(b, h, o)
	case deedMend:
		err = m.mend(b, o)
	case deedRenew:
		m.renew(h)
	}
	return history.Outcome{Err: err}
}

// head finds a topic's head; one that the store does not know is new.
func (m *machine) head(tenant, topic string) (*head, error) {
	key := headKey(m.slot, tenant, topic)
	if h, ok := m.heads.Get(string(key)); ok {
		return h, nil
	}
	h := &head{salt: m.state.forgot}
	value, closer, err := m.db.Get(key)
	switch {
	case err == nil:
		read, ok := headOf(key, value)
		closer.Close()
		if !ok {
			return nil, errDamagedHead
		}
		h = &read
	case !errors.Is(err, pebble.ErrNotFound):
		return nil, err
	}
	h.tenant, h.topic = tenant, topic
	m.name(h)
	m.heads.Add(string(key), h)
	return h, nil
}

// name gives a head its epoch.
func (m *machine) name(h *head) {
	h.epoch = m.state.seeds.epoch(h.rule.Relaxed, h.salt, h.tenant, h.topic)
}

var errDamagedHead = errors.New("what is known of the topic is damaged")

func (m *machine) touch(h *head) {
	if !h.dirty {
		h.dirty = true
		m.touched = append(m.touched, h)
	}
}

func (m *machine) saveHeads(b *pebble.Batch) (err error) {
	for _, h := range m.touched {
		h.dirty = false
		key := headKey(m.slot, h.tenant, h.topic)
		m.scratch = h.append(m.scratch[:0], key)
		err = errors.Join(err, b.Set(key, m.scratch, nil))
	}
	m.touched = m.touched[:0]
	return err
}

// Snapshot implements raft.FSM. The state is in the store already; what is left is to have it on disk.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return onDisk{m.db}, nil }

type onDisk struct{ db *pebble.DB }

// Persist implements raft.FSMSnapshot.
func (s onDisk) Persist(raft.SnapshotSink) error { return s.db.LogData(nil, pebble.Sync) }

// Release implements raft.FSMSnapshot.
func (onDisk) Release() {}

// Restore implements raft.FSM.
func (m *machine) Restore(r io.ReadCloser) error {
	if err := receive(m.db, m.slot, r); err != nil {
		return err
	}
	return m.load()
}
