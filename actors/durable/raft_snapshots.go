package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// markers is a slot's snapshot store (raft.SnapshotStore). The state machine's data are in the store anyway, so a
// snapshot is a mark: "up to this entry the log is not needed". Its bytes are made when another node asks for them,
// and then of what there is by that time: it may be ahead of the mark, since entries that are applied are skipped.
//
// What another node sends comes in pieces, is marked as not yet restored, and is so before the slot starts.
type markers struct {
	slot uint16
	db   *pebble.DB
}

var _ raft.SnapshotStore = markers{}

type marker struct {
	index, term, configured uint64
	configuration           []byte
	pieces                  uint64 // that wait to be restored; 0 for a mark of our own
	size                    int64  // of the pieces
}

func (m *marker) id() string { return fmt.Sprintf("%d-%d", m.term, m.index) }

func (m *marker) append(b []byte) []byte {
	for _, n := range []uint64{m.index, m.term, m.configured, m.pieces, uint64(m.size)} {
		b = binary.AppendUvarint(b, n)
	}
	return append(b, m.configuration...)
}

func (s markers) save(m *marker) error {
	return s.db.Set(slotKey(letterMarker, s.slot), m.append(nil), pebble.Sync)
}

// newest returns the mark, nil if there is none.
func (s markers) newest() (*marker, error) {
	value, closer, err := s.db.Get(slotKey(letterMarker, s.slot))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	c := cursor{rest: value}
	m := &marker{index: c.number(), term: c.number(), configured: c.number(), pieces: c.number(), size: int64(c.number())}
	m.configuration = append([]byte(nil), c.rest...)
	if c.bad {
		return nil, errors.New("its snapshot mark cannot be read")
	}
	return m, nil
}

func (s markers) meta(m *marker, size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{Version: 1, ID: m.id(), Index: m.index, Term: m.term, Size: size,
		Configuration: raft.DecodeConfiguration(m.configuration), ConfigurationIndex: m.configured}
}

// Create implements raft.SnapshotStore.
func (s markers) Create(_ raft.SnapshotVersion, index, term uint64, c raft.Configuration, configured uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{markers: s, marker: marker{index: index, term: term, configured: configured, configuration: raft.EncodeConfiguration(c)}}, nil
}

// List implements raft.SnapshotStore.
func (s markers) List() ([]*raft.SnapshotMeta, error) {
	m, err := s.newest()
	if m == nil || err != nil {
		return nil, err
	}
	return []*raft.SnapshotMeta{s.meta(m, m.size)}, nil
}

// Open implements raft.SnapshotStore.
func (s markers) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, err := s.newest()
	if err != nil {
		return nil, nil, err
	}
	if m == nil || m.id() != id {
		return nil, nil, fmt.Errorf("slot %d has no snapshot %s", s.slot, id)
	}
	if m.pieces > 0 {
		return s.meta(m, m.size), &pieces{markers: s, left: m.pieces}, nil
	}
	r, size, err := stream(s.db, s.slot)
	if err != nil {
		return nil, nil, err
	}
	return s.meta(m, size), r, nil
}

// restored forgets the pieces.
func (s markers) restored() error {
	m, err := s.newest()
	if m == nil || err != nil {
		return err
	}
	m.pieces, m.size = 0, 0
	from, to := span(letterPiece, s.slot)
	return errors.Join(s.save(m), s.db.DeleteRange(from, to, pebble.NoSync))
}

// sink takes what another node sends. What is made here writes nothing and only marks.
type sink struct {
	markers
	marker
}

// ID implements raft.SnapshotSink.
func (s *sink) ID() string { return s.id() }

func (s *sink) Write(p []byte) (int, error) {
	if s.pieces == 0 { // of an attempt that failed
		from, to := span(letterPiece, s.slot)
		if err := s.db.DeleteRange(from, to, pebble.NoSync); err != nil {
			return 0, err
		}
	}
	if err := s.db.Set(numbered(letterPiece, s.slot, s.pieces), p, pebble.NoSync); err != nil {
		return 0, err
	}
	s.pieces++
	s.size += int64(len(p))
	return len(p), nil
}

// Close implements raft.SnapshotSink.
func (s *sink) Close() error { return s.save(&s.marker) }

// Cancel implements raft.SnapshotSink.
func (s *sink) Cancel() error {
	from, to := span(letterPiece, s.slot)
	return s.db.DeleteRange(from, to, pebble.NoSync)
}

// pieces reads what sink wrote.
type pieces struct {
	markers
	next, left uint64
	rest       []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.left == 0 {
			return 0, io.EOF
		}
		value, closer, err := p.db.Get(numbered(letterPiece, p.slot, p.next))
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

func (p *pieces) Close() error { return nil }
