package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// snapshots is a partition's raft.SnapshotStore. The state machine's data are in the store anyway, so a snapshot is
// only a marker: "up to this entry the log is not needed". Its content is read from the store when another node asks
// for it, and so may be ahead of the marker; the other node skips entries that are applied.
//
// A snapshot that another node sends is stored in chunks and marked as not yet restored. It is restored before the
// partition starts.
type snapshots struct {
	partition uint16
	db        *pebble.DB
}

var _ raft.SnapshotStore = snapshots{}

type snapshotMarker struct {
	index, term, configured uint64
	configuration           []byte
	chunks                  uint64 // that wait to be restored; 0 for a snapshot of our own
	size                    int64  // of the chunks
}

func (m *snapshotMarker) id() string { return fmt.Sprintf("%d-%d", m.term, m.index) }

func (m *snapshotMarker) append(b []byte) []byte {
	for _, n := range []uint64{m.index, m.term, m.configured, m.chunks, uint64(m.size)} {
		b = binary.AppendUvarint(b, n)
	}
	return append(b, m.configuration...)
}

func (s snapshots) save(m *snapshotMarker) error {
	return s.db.Set(partitionKey(prefixMarker, s.partition), m.append(nil), pebble.Sync)
}

// newest returns the marker, nil if there is none.
func (s snapshots) newest() (*snapshotMarker, error) {
	value, closer, err := s.db.Get(partitionKey(prefixMarker, s.partition))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	c := cursor{rest: value}
	m := &snapshotMarker{
		index: c.uvarint(), term: c.uvarint(), configured: c.uvarint(), chunks: c.uvarint(), size: int64(c.uvarint()),
	}
	m.configuration = append([]byte(nil), c.rest...)
	if c.failed {
		return nil, errors.New("its snapshot mark cannot be read")
	}
	return m, nil
}

func (s snapshots) meta(m *snapshotMarker, size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{Version: 1, ID: m.id(), Index: m.index, Term: m.term, Size: size,
		Configuration: raft.DecodeConfiguration(m.configuration), ConfigurationIndex: m.configured}
}

// Create implements raft.SnapshotStore.
func (s snapshots) Create(
	_ raft.SnapshotVersion, index, term uint64, c raft.Configuration, configured uint64, _ raft.Transport,
) (raft.SnapshotSink, error) {
	m := snapshotMarker{index: index, term: term, configured: configured, configuration: raft.EncodeConfiguration(c)}
	return &snapshotSink{snapshots: s, snapshotMarker: m}, nil
}

// List implements raft.SnapshotStore.
func (s snapshots) List() ([]*raft.SnapshotMeta, error) {
	m, err := s.newest()
	if m == nil || err != nil {
		return nil, err
	}
	return []*raft.SnapshotMeta{s.meta(m, m.size)}, nil
}

// Open implements raft.SnapshotStore.
func (s snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, err := s.newest()
	if err != nil {
		return nil, nil, err
	}
	if m == nil || m.id() != id {
		return nil, nil, fmt.Errorf("slot %d has no snapshot %s", s.partition, id)
	}
	if m.chunks > 0 {
		return s.meta(m, m.size), &snapshotChunks{snapshots: s, left: m.chunks}, nil
	}
	r, size, err := stream(s.db, s.partition)
	if err != nil {
		return nil, nil, err
	}
	return s.meta(m, size), r, nil
}

// dropChunks marks the newest snapshot as restored and removes its chunks.
func (s snapshots) dropChunks() error {
	m, err := s.newest()
	if m == nil || err != nil {
		return err
	}
	m.chunks, m.size = 0, 0
	from, to := keyRange(prefixChunk, s.partition)
	return errors.Join(s.save(m), s.db.DeleteRange(from, to, pebble.NoSync))
}

// snapshotSink stores what another node sends. For a snapshot of our own, nothing is written to it but the marker.
type snapshotSink struct {
	snapshots
	snapshotMarker
}

// ID implements raft.SnapshotSink.
func (s *snapshotSink) ID() string { return s.id() }

func (s *snapshotSink) Write(p []byte) (int, error) {
	if s.chunks == 0 { // an attempt that failed may have left some
		from, to := keyRange(prefixChunk, s.partition)
		if err := s.db.DeleteRange(from, to, pebble.NoSync); err != nil {
			return 0, err
		}
	}
	if err := s.db.Set(numberedKey(prefixChunk, s.partition, s.chunks), p, pebble.NoSync); err != nil {
		return 0, err
	}
	s.chunks++
	s.size += int64(len(p))
	return len(p), nil
}

// Close implements raft.SnapshotSink.
func (s *snapshotSink) Close() error { return s.save(&s.snapshotMarker) }

// Cancel implements raft.SnapshotSink.
func (s *snapshotSink) Cancel() error {
	from, to := keyRange(prefixChunk, s.partition)
	return s.db.DeleteRange(from, to, pebble.NoSync)
}

// snapshotChunks reads what a snapshotSink has stored.
type snapshotChunks struct {
	snapshots
	next, left uint64
	rest       []byte
}

func (p *snapshotChunks) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.left == 0 {
			return 0, io.EOF
		}
		value, closer, err := p.db.Get(numberedKey(prefixChunk, p.partition, p.next))
		if err != nil {
			return 0, err
		}
		p.rest = append(p.rest[:0], value...)
		closer.Close()
		p.next, p.left = p.next+1, p.left-1
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *snapshotChunks) Close() error { return nil }
