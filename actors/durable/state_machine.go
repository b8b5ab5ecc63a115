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

// stateMachine is the state machine of one partition (raft.FSM). It writes what it applies without waiting for the
// disk, since the log is on disk already. After a crash Raft applies again what is missing; the state machine skips by
// its index what is not.
//
// Offsets are assigned here and not by the topic's actor: if the log holds an event twice, or holds one in the name of
// a leader that is none any more, this makes neither a gap nor two events with one offset. Ids are recognised here for
// the same reason.
type stateMachine struct {
	partition uint16
	db        *pebble.DB
	log       *slog.Logger

	seeds      atomic.Pointer[seeds] // state.seeds; read from any goroutine, as are these
	generation atomic.Uint64         // state.generation
	voters     voterCount            // of the group, as far as the log is applied

	// Only Raft's goroutine for state machines touches these.
	state      state
	heads      *simplelru.LRU[string, *head] // those used lately
	dirtyHeads []*head                       // changed by the current entry
	forgotten  map[string]bool               // keys of the heads that the current entry has removed
	entryIDs   map[string]history.Outcome    // ids seen in the current entry
	olderIDs   *pebble.Iterator              // ids seen before it; nil until one is looked up
	broken     error                         // why nothing is applied any more
	compactor  *compactor                    // is told what is applied
	scratch    []byte
}

// maxHeads bounds the heads in memory, per partition. It is more than one entry can touch.
const maxHeads = 4 * batchCount

// state is what the state machine stores of itself.
type state struct {
	appliedIndex uint64 // of the newest entry that is applied
	seeds        seeds
	generation   uint64 // how many topics were forgotten or renewed: the salt of a topic that comes back
	newestBucket uint64 // the newest span of time in which an id was seen
}

// applyResult is what Apply returns.
type applyResult struct {
	outcomes []history.Outcome // one per operation
	term     uint64
	err      error // of all of them
}

func newStateMachine(partition uint16, db *pebble.DB, log *slog.Logger, c *compactor) (*stateMachine, error) {
	m := &stateMachine{
		partition: partition, db: db, log: log, compactor: c,
		forgotten: map[string]bool{}, entryIDs: map[string]history.Outcome{},
	}
	m.heads, _ = simplelru.NewLRU[string, *head](maxHeads, nil)
	return m, m.load()
}

func (m *stateMachine) load() error {
	m.heads.Purge()
	value, closer, err := m.db.Get(partitionKey(prefixState, m.partition))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		m.state = state{}
	case err != nil:
		return err
	default:
		defer closer.Close()
		c := cursor{rest: value}
		m.state = state{appliedIndex: c.uvarint(), generation: c.uvarint(), newestBucket: c.uvarint()}
		copy(m.state.seeds.strict[:], c.take(16))
		copy(m.state.seeds.relaxed[:], c.take(16))
		if c.failed {
			return errors.New("its state cannot be read")
		}
	}
	now := m.state.seeds
	m.seeds.Store(&now)
	m.generation.Store(m.state.generation)
	return nil
}

func (m *stateMachine) save(b *pebble.Batch) error {
	v := binary.AppendUvarint(m.scratch[:0], m.state.appliedIndex)
	v = binary.AppendUvarint(v, m.state.generation)
	v = binary.AppendUvarint(v, m.state.newestBucket)
	v = append(append(v, m.state.seeds.strict[:]...), m.state.seeds.relaxed[:]...)
	m.scratch = v
	return b.Set(partitionKey(prefixState, m.partition), v, nil)
}

// Apply implements raft.FSM. It returns an *applyResult.
func (m *stateMachine) Apply(l *raft.Log) any {
	if l.Index <= m.state.appliedIndex {
		return &applyResult{term: l.Term}
	}
	if m.broken != nil {
		return &applyResult{err: m.broken}
	}
	b := m.db.NewBatch()
	defer b.Close()
	a := m.apply(b, l)
	m.state.appliedIndex = l.Index
	err := errors.Join(a.err, m.saveHeads(b), m.save(b))
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	if err != nil {
		// The memory is ahead of the store and cannot be trusted any more.
		m.broken = fmt.Errorf("slot %d is out of order since entry %d: %w", m.partition, l.Index, err)
		m.log.Error("a slot takes nothing any more until the next start",
			"slot", m.partition, "entry", l.Index, "cause", err)
		if !m.voters.alone() {
			close(m.compactor.broken)
		}
		a.err = m.broken
	}
	m.compactor.count(len(l.Data), int(m.voters.Load()))
	return a
}

// StoreConfiguration implements raft.ConfigurationStore.
func (m *stateMachine) StoreConfiguration(_ uint64, c raft.Configuration) {
	m.voters.Store(int32(countVoters(c)))
}

func (m *stateMachine) apply(b *pebble.Batch, l *raft.Log) *applyResult {
	a := &applyResult{term: l.Term}
	clear(m.entryIDs)
	clear(m.forgotten)
	c := cursor{rest: l.Data}
	if kept := c.uint8(); kept != entryStrict && kept != entryRelaxed {
		c.failed = true
	}
	var o operation
	for !c.failed && a.err == nil && o.decode(&c) {
		var out history.Outcome
		out, a.err = m.do(b, &o)
		a.outcomes = append(a.outcomes, out)
	}
	if c.failed {
		a.err = errors.New("the entry cannot be read")
	}
	if m.olderIDs != nil {
		a.err = errors.Join(a.err, m.olderIDs.Close())
		m.olderIDs = nil
	}
	return a
}

// do applies one operation. Its outcome depends on the log alone, so that it is the same on every node. An error is
// this node's own, of its disk or of what that holds, and ends the state machine.
func (m *stateMachine) do(b *pebble.Batch, o *operation) (out history.Outcome, err error) {
	switch o.op {
	case opReseed:
		m.reseed(o)
		return out, nil
	case opProbe:
		return out, nil
	case opRepair:
		return out, m.repair(b, o)
	case opRenew:
		m.state.generation++
		m.generation.Store(m.state.generation)
		if o.topic == "" {
			return out, nil
		}
	}
	h, err := m.head(o.tenant, o.topic)
	if isDamage(err) && m.voters.alone() {
		h, err = restoreHead(m, b, o)
	}
	if err != nil {
		return out, fmt.Errorf("topic %s of tenant %s: %w", protocol.Quote(o.topic), protocol.Quote(o.tenant), err)
	}
	switch o.op {
	case opAdd:
		return m.add(b, h, o)
	case opTrim:
		err = m.trim(b, h, o)
	case opForget:
		err = m.forget(b, h, o)
	case opRenew:
		m.renew(h)
	}
	return out, err
}

// voterCount is how many voters a group has; 0 if that is not known yet.
type voterCount struct{ atomic.Int32 }

// alone reports whether the group has this one voter. Then nobody else has what is damaged here, and no other node can
// come to another state by what this one makes of the damage.
func (v *voterCount) alone() bool { return v.Load() == 1 }

// head returns a topic's head, a new one if the store does not know the topic. A new one is not kept in memory until it
// is touched: its epoch depends on when it was made, and memory forgets at another time on every node. The error is
// errDamagedHead if the stored one is damaged.
func (m *stateMachine) head(tenant, topic string) (*head, error) {
	key := headKey(m.partition, tenant, topic)
	if h, ok := m.heads.Get(string(key)); ok {
		return h, nil
	}
	h := &head{salt: m.state.generation}
	if !m.forgotten[string(key)] {
		stored, err := readHead(m.db, key)
		if err != nil {
			return nil, err
		}
		if stored != nil {
			h = stored
			h.cached = true
			m.heads.Add(string(key), h)
		}
	}
	h.tenant, h.topic = tenant, topic
	m.setEpoch(h)
	return h, nil
}

// readHead reads a head; nil if there is none. The error is errDamagedHead if it is damaged.
func readHead(db *pebble.DB, key []byte) (*head, error) {
	value, closer, err := db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer closer.Close()
	h, ok := decodeHead(key, value)
	if !ok {
		return nil, errDamagedHead
	}
	return &h, nil
}

// setEpoch derives the epoch of a head.
func (m *stateMachine) setEpoch(h *head) {
	h.epoch = m.state.seeds.epoch(h.rule.Relaxed, h.salt, h.tenant, h.topic)
}

func (m *stateMachine) markDirty(h *head) {
	if !h.dirty {
		h.dirty = true
		m.dirtyHeads = append(m.dirtyHeads, h)
	}
	if !h.cached {
		h.cached = true
		m.heads.Add(string(headKey(m.partition, h.tenant, h.topic)), h)
	}
}

func (m *stateMachine) saveHeads(b *pebble.Batch) (err error) {
	for _, h := range m.dirtyHeads {
		h.dirty = false
		key := headKey(m.partition, h.tenant, h.topic)
		m.scratch = h.append(m.scratch[:0], key)
		err = errors.Join(err, b.Set(key, m.scratch, nil))
	}
	m.dirtyHeads = m.dirtyHeads[:0]
	return err
}

// Snapshot implements raft.FSM. The state is in the store already; Persist only brings it to the disk.
func (m *stateMachine) Snapshot() (raft.FSMSnapshot, error) { return syncedState{m.db}, nil }

type syncedState struct{ db *pebble.DB }

// Persist implements raft.FSMSnapshot.
func (s syncedState) Persist(raft.SnapshotSink) error { return s.db.LogData(nil, pebble.Sync) }

// Release implements raft.FSMSnapshot.
func (syncedState) Release() {}

// Restore implements raft.FSM.
func (m *stateMachine) Restore(r io.ReadCloser) error {
	if err := receive(m.db, m.partition, r); err != nil {
		return err
	}
	return m.load()
}

var errDamagedHead = errors.New("what is known of the topic is damaged")
