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
type witness struct {
	file vfs.File
	log  *slog.Logger
	sick atomic.Bool // said once that it cannot be written
}

// mark is the newest entry that was answered when the disk had it, and the newest that was answered before.
type mark struct{ strict, relaxed spot }

// spot is a place in the log.
type spot struct{ index, term uint64 }

const (
	witnessName = "witness"
	markSize    = 64
	markSum     = 32 // where the CRC-32C of what is before it is
)

func openWitness(fs vfs.FS, dir string, slots int, log *slog.Logger) (*witness, []mark, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, witnessName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, nil, err
	}
	w := &witness{file: f, log: log}
	marks := make([]mark, slots)
	for i := range marks {
		var b [markSize]byte
		n, err := f.ReadAt(b[:], int64(i)*markSize)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, nil, errors.Join(err, f.Close())
		case n == 0: // it is new: take up the room while there is some
			_, err = f.WriteAt(b[:], int64(i)*markSize)
			if err != nil {
				return nil, nil, errors.Join(err, f.Close())
			}
		default:
			marks[i] = w.read(i, b)
		}
	}
	return w, marks, errors.Join(f.Sync(), syncDir(fs, dir))
}

func (w *witness) read(slot int, b [markSize]byte) mark {
	if b == [markSize]byte{} {
		return mark{}
	}
	if binary.BigEndian.Uint32(b[markSum:]) != crc32.Checksum(b[:markSum], castagnoli) {
		w.log.Warn("the witness of a slot is damaged: whether its newest events are all there cannot be told", "slot", slot)
		return mark{}
	}
	c := cursor{rest: b[:]}
	return mark{spot{c.fixed(), c.fixed()}, spot{c.fixed(), c.fixed()}}
}

// saw notes the newest entry of a slot that is going to be answered. Slots may be noted at the same time.
func (w *witness) saw(slot uint16, m mark) {
	var b [markSize]byte
	for i, n := range [...]uint64{m.strict.index, m.strict.term, m.relaxed.index, m.relaxed.term} {
		binary.BigEndian.PutUint64(b[8*i:], n)
	}
	binary.BigEndian.PutUint32(b[markSum:], crc32.Checksum(b[:markSum], castagnoli))
	if _, err := w.file.WriteAt(b[:], int64(slot)*markSize); err != nil && !w.sick.Swap(true) {
		w.log.Error("the witness cannot be written: a loss of the newest events would go unnoticed", "cause", err)
	}
}

func (w *witness) close() error { return w.file.Close() }
