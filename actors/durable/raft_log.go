package durable

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// entries is the Raft log of one partition (raft.LogStore), and votes is what Raft must not forget beside it
// (raft.StableStore). When StoreLogs returns, the entries are on disk, unless all of them are relaxed. Groups that
// store at the same time share one fsync.
type (
	entries struct {
		partition uint16
		db        *pebble.DB
	}
	votes struct {
		partition uint16
		db        *pebble.DB
	}
)

// groupLog is the log as Raft reads it. Raft's metrics read it every ten seconds on a goroutine that Raft's Shutdown
// does not wait for, and Pebble panics when it is read after it was closed.
type groupLog struct {
	entries
	mu     sync.RWMutex // guards closed, and delays close while somebody reads
	closed bool
}

// FirstIndex implements raft.LogStore.
func (g *groupLog) FirstIndex() (uint64, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return 0, raft.ErrRaftShutdown
	}
	return g.entries.FirstIndex()
}

// GetLog implements raft.LogStore.
func (g *groupLog) GetLog(index uint64, l *raft.Log) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return raft.ErrRaftShutdown
	}
	return g.entries.GetLog(index, l)
}

// close waits for those that read. Later reads get raft.ErrRaftShutdown.
func (g *groupLog) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

var (
	_ raft.LogStore    = (*groupLog)(nil)
	_ raft.LogStore    = entries{}
	_ raft.StableStore = votes{}
)

// FirstIndex implements raft.LogStore.
func (e entries) FirstIndex() (uint64, error) { return e.edge((*pebble.Iterator).First) }

// LastIndex implements raft.LogStore.
func (e entries) LastIndex() (uint64, error) { return e.edge((*pebble.Iterator).Last) }

func (e entries) edge(move func(*pebble.Iterator) bool) (index uint64, err error) {
	from, to := keyRange(prefixLog, e.partition)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return 0, err
	}
	if move(it) {
		index = binary.BigEndian.Uint64(it.Key()[len(from):])
	}
	return index, it.Close()
}

// GetLog implements raft.LogStore. The error is raft.ErrLogNotFound if there is no such entry.
func (e entries) GetLog(index uint64, l *raft.Log) error {
	value, closer, err := e.db.Get(numberedKey(prefixLog, e.partition, index))
	if errors.Is(err, pebble.ErrNotFound) {
		return raft.ErrLogNotFound
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	return readLog(index, value, l)
}

func readLog(index uint64, value []byte, l *raft.Log) error {
	c := cursor{rest: value}
	*l = raft.Log{Index: index, Term: c.uvarint(), Type: raft.LogType(c.uint8())}
	if at := int64(c.uint64()); at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	if extensions := c.bytes(); len(extensions) > 0 {
		l.Extensions = append([]byte(nil), extensions...)
	}
	l.Data = append([]byte(nil), c.rest...)
	if c.failed {
		return errors.New("an entry of the log cannot be read")
	}
	return nil
}

func appendLog(b []byte, l *raft.Log) []byte {
	b = append(binary.AppendUvarint(b, l.Term), byte(l.Type))
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return append(appendText(b, l.Extensions), l.Data...)
}

// StoreLog implements raft.LogStore.
func (e entries) StoreLog(l *raft.Log) error { return e.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (e entries) StoreLogs(logs []*raft.Log) error {
	b := e.db.NewBatch()
	defer b.Close()
	kept, scratch := pebble.NoSync, []byte(nil)
	for _, l := range logs {
		scratch = appendLog(scratch[:0], l)
		if err := b.Set(numberedKey(prefixLog, e.partition, l.Index), scratch, nil); err != nil {
			return err
		}
		if l.Type != raft.LogCommand || !isRelaxed(l.Data) {
			kept = pebble.Sync
		}
	}
	return b.Commit(kept)
}

// DeleteRange implements raft.LogStore; the range includes both ends.
func (e entries) DeleteRange(first, last uint64) error {
	from, to := numberedKey(prefixLog, e.partition, first), numberedKey(prefixLog, e.partition, last+1)
	return e.db.DeleteRange(from, to, pebble.NoSync)
}

// Set implements raft.StableStore.
func (v votes) Set(key, value []byte) error {
	return v.db.Set(append(partitionKey(prefixVote, v.partition), key...), value, pebble.Sync)
}

// Get implements raft.StableStore; a value that was never set is empty.
func (v votes) Get(key []byte) ([]byte, error) {
	value, closer, err := v.db.Get(append(partitionKey(prefixVote, v.partition), key...))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte(nil), value...), nil
}

// SetUint64 implements raft.StableStore.
func (v votes) SetUint64(key []byte, n uint64) error {
	return v.Set(key, binary.BigEndian.AppendUint64(nil, n))
}

// GetUint64 implements raft.StableStore; a value that was never set is 0.
func (v votes) GetUint64(key []byte) (uint64, error) {
	value, err := v.Get(key)
	if err != nil || len(value) == 0 {
		return 0, err
	}
	c := cursor{rest: value}
	n := c.uint64()
	if c.failed {
		return 0, errors.New("a vote cannot be read")
	}
	return n, nil
}
