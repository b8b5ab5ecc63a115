package history

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// History is the interface of both stores. It has one owner, the topic's actor, which alone calls it.
type History interface {
	// Add appends an event that came at now, and calls done exactly once: in the order of the Adds that succeed,
	// perhaps before Add returns and perhaps on another goroutine. done must not block and must not call the History.
	// dedup asks a store that recognises ids to answer an id that it has seen within its window with the outcome of the
	// first one. Add does not wait for a disk.
	Add(ev *protocol.Event, dedup bool, now time.Time, done func(Outcome))
	// Settle tells the History that its owner has taken note of an outcome. The owner calls it in the order of the
	// calls of done. Read does not return what is not settled, so a reader never gets an event from the past that it is
	// still going to get live.
	Settle(o Outcome)
	// Position is that of the newest settled event. Its offset is 0 if there was none.
	Position() protocol.Position
	// Oldest is the oldest offset from which Read can answer: all later events are retained. It may read a disk.
	Oldest(now time.Time) uint64
	// Len is how many events are retained at the time. It may read a disk.
	Len(now time.Time) int
	// Read returns at most limit events behind the offset, oldest first. The error is ErrLost if some of them are no
	// longer retained or the offset lies in the future, and a Damaged if the first of them cannot be read; a damaged
	// one further behind ends the page in front of it. Read may read a disk.
	Read(offset uint64, limit int, now time.Time) ([]Entry, error)
}

// Entry is one retained event.
type Entry struct {
	Offset uint64
	Event  *protocol.Event
}

// Outcome is the result of an Add.
type Outcome struct {
	// Position is the event's, or that of the first event with its id.
	Position protocol.Position
	// Duplicate says that the id was seen in the window; nothing was added.
	Duplicate bool
	// Err says why the event was not added; if it is a Refusal, clients may see it.
	Err error
}

// ErrLost says that events were asked for that are not retained, or never existed.
var ErrLost = protocol.Refuse(protocol.PositionLost, "")

// Damaged says that an event was stored and cannot be read any more. Older and newer ones can be read.
type Damaged struct {
	Tenant, Topic string
	Offset        uint64
	Cause         string
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("event %d of topic %s of tenant %s is damaged in the store (%s); it is not served",
		d.Offset, protocol.Quote(d.Topic), protocol.Quote(d.Tenant), d.Cause)
}
