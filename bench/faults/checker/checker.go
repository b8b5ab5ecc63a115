// Package checker compares what clients received from a topic with what was published to it.
//
// Events are known by their numbers, which publishers choose and readers find in what they receive. A Topic is the
// whole history of one topic: what was sent, what the server acknowledged and where it put it, what each reader heard,
// and what the server remembered in the end. Faults finds what contradicts the promises:
//
//   - Invention: a reader heard an event that nobody sent.
//   - Duplicate: a reader heard an event twice, or the server acknowledged it at two positions.
//   - Disorder: a reader heard events against the order of their offsets, two readers heard the same events in
//     different orders, or the server acknowledged two events at one position.
//   - Gap: a reader did not hear an acknowledged event that lies between two that it heard without a break; or a reader
//     that was there the whole time did not hear an acknowledged event at all.
//   - Loss: the server does not remember an acknowledged event of its present epoch.
//
// An event that was sent and not acknowledged may have happened or not. The checker asks for epochs in the order in
// which they first appear: it compares offsets of different epochs by that. It knows nothing of sockets and servers.
package checker

import "fmt"

// Kind is what is wrong.
type Kind string

// The kinds.
const (
	Invention Kind = "invention"
	Duplicate Kind = "duplicate"
	Disorder  Kind = "disorder"
	Gap       Kind = "gap"
	Loss      Kind = "loss"
)

// Fault is one contradiction.
type Fault struct {
	Kind Kind
	Text string // who, and which events
}

func (f Fault) String() string { return string(f.Kind) + ": " + f.Text }

// Ack is an event's number and where the server put it.
type Ack struct {
	Number uint64
	Epoch  string
	Offset uint64
}

// Break stands in what a reader heard for a time when it was not connected: nothing across it is a gap. No event has
// this number.
const Break = 0

// Reader is what one client heard, in that order.
type Reader struct {
	Name  string
	Heard []uint64
	// Whole says that the reader was there before the first event and after the last: it must have heard all.
	Whole bool
}

// Record is what the server remembers in the end: its epoch, and the events that it has left, oldest first, the last
// being the newest that there was.
type Record struct {
	Epoch  string
	Events []Ack
}

// Topic is the whole history of a topic.
type Topic struct {
	Name    string
	Sent    []uint64 // in any order, acknowledged or not
	Acks    []Ack    // in any order
	Readers []Reader
	Record  *Record // nil if nobody asked
}

// most is how many faults of a kind are told; more are counted.
const most = 3

// Faults returns the contradictions, a few of each kind with a count of the others.
func (t *Topic) Faults() []Fault {
	c := &check{topic: t, sent: map[uint64]bool{}, placed: map[uint64]place{}, told: map[Kind]int{}}
	c.publishes()
	for i := range t.Readers {
		c.reader(&t.Readers[i])
	}
	c.oneOrder()
	c.record()
	for _, kind := range []Kind{Invention, Duplicate, Disorder, Gap, Loss} {
		if n := c.told[kind]; n > most {
			c.faults = append(c.faults, Fault{kind, fmt.Sprintf("%s: %d more of these", t.Name, n-most)})
		}
	}
	return c.faults
}

// place is where an event is among the acknowledged ones: epochs are numbered as they are met.
type place struct {
	epoch  int
	offset uint64
}

func (p place) before(q place) bool {
	return p.epoch < q.epoch || p.epoch == q.epoch && p.offset < q.offset
}

// check is one run of Faults.
type check struct {
	topic  *Topic
	sent   map[uint64]bool
	placed map[uint64]place
	order  []Ack // the acknowledged ones, each once, sorted by place
	told   map[Kind]int
	faults []Fault
}

func (c *check) fault(kind Kind, format string, args ...any) {
	if c.told[kind]++; c.told[kind] <= most {
		c.faults = append(c.faults, Fault{kind, c.topic.Name + ": " + fmt.Sprintf(format, args...)})
	}
}
