package history

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Before returns the newest events before an offset, 0 for all, at most so many and the newest first. It leaves out
// those that are not retained any more. It may read a disk.
func Before(h History, offset uint64, limit int, now time.Time) ([]Entry, error) {
	newest := h.Position().Offset
	if offset == 0 || offset > newest {
		offset = newest + 1
	}
	last := offset - 1
	from := max(last-min(last, uint64(limit)), h.Oldest(now))
	if from >= last {
		return nil, nil
	}
	entries, err := h.Read(from, int(last-from), now)
	slices.Reverse(entries)
	return entries, err
}

// lastPage is among how many events Last looks.
const lastPage = 256

// Last returns the newest event that is wanted, among the newest 256; nil if there is none. It may read a disk.
func Last(h History, wanted func(*protocol.Event) bool, now time.Time) *protocol.Event {
	entries, err := Before(h, 0, lastPage, now)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if wanted(e.Event) {
			return e.Event
		}
	}
	return nil
}
