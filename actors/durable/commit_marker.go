package durable

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// witness is a small file beside the store that says, per slot, up to which entry of the log something was answered. The
// store alone cannot tell that its newest part is gone: a damaged byte near the end of its log looks like a write that a
// crash cut short, and is dropped in silence with all that follows. The witness can tell: what it saw must be there.
//
// It is written after the disk has the entry and before the answer is given, and not synced: a killed process loses
// nothing of it, and a machine that crashed finds an older mark, which is still true. Where answers are given before the
// disk has them, a crash may leave a mark ahead of the store: then something answered is really gone, and since such
// answers have a mark of their own, only topics that are relaxed pay for it.
type commitMarker struct {
	file        vfs.File
	log         *slog.Logger
	writeFailed atomic.Bool // said once that it cannot be written
}

// mark is the newest entry that was answered when the disk had it, and the newest that was answered before.
type ackedEntries struct{ strict, relaxed entryID }

// spot is a place in the log.
type entryID struct{ index, term uint64 }

const (
	commitMarkerName = "witness"
	ackedSize        = 64
	ackedSumAt       = 32 // where the CRC-32C of what is before it is
)

func openCommitMarker(fs vfs.FS, dir string, slots int, log *slog.Logger) (*commitMarker, []ackedEntries, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, commitMarkerName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, nil, err
	}
	w := &commitMarker{file: f, log: log}
	marks := make([]ackedEntries, slots)
	for i := range marks {
		var b [ackedSize]byte
		n, err := f.ReadAt(b[:], int64(i)*ackedSize)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, nil, errors.Join(err, f.Close())
		case n == 0: // it is new: take up the room while there is some
			_, err = f.WriteAt(b[:], int64(i)*ackedSize)
			if err != nil {
				return nil, nil, errors.Join(err, f.Close())
			}
		default:
			marks[i] = w.read(i, b)
		}
	}
	return w, marks, errors.Join(f.Sync(), syncDir(fs, dir))
}

func (m *commitMarker) read(partition int, b [ackedSize]byte) ackedEntries {
	if b == [ackedSize]byte{} {
		return ackedEntries{}
	}
	if binary.BigEndian.Uint32(b[ackedSumAt:]) != crc32.Checksum(b[:ackedSumAt], castagnoli) {
		m.log.Warn("the witness of a slot is damaged: whether its newest events are all there cannot be told", "slot", partition)
		return ackedEntries{}
	}
	c := cursor{rest: b[:]}
	return ackedEntries{entryID{c.uint64(), c.uint64()}, entryID{c.uint64(), c.uint64()}}
}

// saw notes the newest entry of a slot that is going to be answered. Slots may be noted at the same time.
func (m *commitMarker) write(partition uint16, acked ackedEntries) {
	var b [ackedSize]byte
	for i, n := range [...]uint64{acked.strict.index, acked.strict.term, acked.relaxed.index, acked.relaxed.term} {
		binary.BigEndian.PutUint64(b[8*i:], n)
	}
	binary.BigEndian.PutUint32(b[ackedSumAt:], crc32.Checksum(b[:ackedSumAt], castagnoli))
	if _, err := m.file.WriteAt(b[:], int64(partition)*ackedSize); err != nil && !m.writeFailed.Swap(true) {
		m.log.Error("the witness cannot be written: a loss of the newest events would go unnoticed", "cause", err)
	}
}

func (m *commitMarker) close() error { return m.file.Close() }
