package history

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// History is what both stores are to their topic. It has one owner, the topic's actor, which alone calls it.
type History interface {
	// Add remembers an event that came at now. done is called exactly once: in the order of the Adds that are remembered,
	// perhaps before Add returns and perhaps on another goroutine. It must not block and must not call the History.
	// recognise asks a store that can do so to answer an id that it has seen in its window with the first one's outcome.
	Add(ev *protocol.Event, recognise bool, now time.Time, done func(Outcome))
	// Settle tells that the owner has taken note of an outcome; it does so in the order of the calls of done. What is not
	// settled is not read: thus a reader never gets an event from the past that it is still going to get live.
	Settle(o Outcome)
	// Position is that of the newest event that is settled. Its offset is 0 if there was none.
	Position() protocol.Position
	// Oldest is the offset from which Read can answer: what came later is remembered.
	Oldest(now time.Time) uint64
	// Len is how many events are remembered at the time.
	Len(now time.Time) int
	// Read returns at most limit events behind the offset, oldest first. The error is ErrLost if some of them are
	// forgotten or the offset lies in the future, and a Damaged if the first of them cannot be read; one that lies
	// further behind ends the page before it.
	Read(offset uint64, limit int, now time.Time) ([]Entry, error)
}

// Outcome is what became of an Add.
type Outcome struct {
	// Position is the event's, or that of the first one with its id.
	Position protocol.Position
	// Duplicate says that the id was seen in the window; nothing was added.
	Duplicate bool
	// Err says why it was not added; a Refusal is safe to show.
	Err error
}

// ErrLost says that what was asked for is not remembered, or never was.
var ErrLost = protocol.Refuse(protocol.PositionLost, "")

// Damaged says that an event was remembered and cannot be read any more. What is older can be read, and what is newer.
type Damaged struct {
	Tenant, Topic string
	Offset        uint64
	Cause         string
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("event %d of topic %s of tenant %s is damaged in the store (%s); it is not served", d.Offset, protocol.Quote(d.Topic), protocol.Quote(d.Tenant), d.Cause)
}
