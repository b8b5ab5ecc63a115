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

// commitMarker is a small file beside Pebble's. It says, per partition, up to which entry of the log events were
// answered. Pebble alone cannot tell that its newest part is gone: a damaged byte near the end of its log looks like a
// write that a crash cut short, and Pebble drops it in silence with all that follows. With the marker the store can
// tell: the entries that it names must be there.
//
// The store writes the marker after the disk has the entry and before it answers, and does not sync it. A killed
// process loses nothing of it, and after a crash the machine finds an older one, which is still true. Where events are
// answered before the disk has them, a crash may leave the marker ahead of Pebble: then answered events are really
// gone. Such answers are marked separately, and so only relaxed topics pay for it.
type commitMarker struct {
	file        vfs.File
	log         *slog.Logger
	writeFailed atomic.Bool // it cannot be written, and that was logged once
}

// ackedEntries are the newest entry that was answered when the disk had it, and the newest that was answered before.
type ackedEntries struct{ strict, relaxed entryID }

// entryID names an entry of a Raft log.
type entryID struct{ index, term uint64 }

const (
	ackedSize  = 64
	ackedSumAt = 32 // where the CRC-32C of the bytes before it is
)

func openCommitMarker(fs vfs.FS, dir string, partitions int, log *slog.Logger) (*commitMarker, []ackedEntries, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, commitMarkerName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, nil, err
	}
	m := &commitMarker{file: f, log: log}
	acked := make([]ackedEntries, partitions)
	for i := range acked {
		var b [ackedSize]byte
		n, err := f.ReadAt(b[:], int64(i)*ackedSize)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, nil, errors.Join(err, f.Close())
		case n == 0: // it is new: it takes up its room while there is some
			_, err = f.WriteAt(b[:], int64(i)*ackedSize)
			if err != nil {
				return nil, nil, errors.Join(err, f.Close())
			}
		default:
			acked[i] = m.read(i, b)
		}
	}
	return m, acked, errors.Join(f.Sync(), syncDir(fs, dir))
}

func (m *commitMarker) read(partition int, b [ackedSize]byte) ackedEntries {
	if b == [ackedSize]byte{} {
		return ackedEntries{}
	}
	if binary.BigEndian.Uint32(b[ackedSumAt:]) != crc32.Checksum(b[:ackedSumAt], castagnoli) {
		m.log.Warn("the commit marker of a slot (file witness) is damaged: "+
			"whether its newest events are all there cannot be told", "slot", partition)
		return ackedEntries{}
	}
	c := cursor{rest: b[:]}
	return ackedEntries{entryID{c.uint64(), c.uint64()}, entryID{c.uint64(), c.uint64()}}
}

// write notes the newest entry of a partition that is going to be answered. Partitions may write at the same time.
func (m *commitMarker) write(partition uint16, acked ackedEntries) {
	var b [ackedSize]byte
	for i, n := range [...]uint64{acked.strict.index, acked.strict.term, acked.relaxed.index, acked.relaxed.term} {
		binary.BigEndian.PutUint64(b[8*i:], n)
	}
	binary.BigEndian.PutUint32(b[ackedSumAt:], crc32.Checksum(b[:ackedSumAt], castagnoli))
	if _, err := m.file.WriteAt(b[:], int64(partition)*ackedSize); err != nil && !m.writeFailed.Swap(true) {
		m.log.Error("the commit marker (file witness) cannot be written: "+
			"a loss of the newest events would go unnoticed", "cause", err)
	}
}

func (m *commitMarker) close() error { return m.file.Close() }
