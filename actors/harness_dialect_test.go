package actors

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// speech is a dialect for tests, with limits and words of the test's choice.
type speech struct {
	name   string
	limits protocol.Limits
	encode func(*protocol.Event, protocol.Projection) []byte // nil is inWords
}

func (d *speech) Name() string            { return d.name }
func (d *speech) Paths() []string         { return nil }
func (d *speech) Limits() protocol.Limits { return d.limits }

func (d *speech) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: &hand{}}, nil
}

func (d *speech) Encode(to protocol.Delivery) protocol.Encoded {
	if d.encode != nil {
		return protocol.Encoded{Data: d.encode(to.Event, to.View)}
	}
	words := inWords(to.Event, to.View)
	if to.Label != "" {
		words = append([]byte(to.Label), words...)
	}
	return protocol.Encoded{Data: words}
}

// inWords says an event as "topic part=value ..." if it has parts, else as its data.
func inWords(ev *protocol.Event, v protocol.Projection) []byte {
	if ev.Parts() == nil {
		return ev.Data
	}
	words := []byte(ev.Topic)
	for _, p := range ev.Parts() {
		if v.Includes(p.Name) {
			words = fmt.Appendf(words, " %s=%s", p.Name, p.Value)
		}
	}
	return words
}

// words is a dialect without limits.
var words = &speech{name: "words"}

// hand is a session that does what a test wants and writes down its callbacks.
type hand struct {
	mu      sync.Mutex
	batches []batch
	current *batch
	beats   []time.Time
	refused []protocol.Reason
	handed  []string // the messages that refusals came with
	opened  []protocol.Command
	mild    bool // a refusal that is not final does not end it

	later chan protocol.Outcome // gets the next outcome of a publish
	aloud bool                  // it says what became of publishes and subscribes
}

func (h *hand) OnOpen(time.Time, uint64) []protocol.Command { return h.opened }

func (h *hand) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.batches[0]
	h.batches = h.batches[1:]
	h.current = &b
	if b.panics {
		panic("a session that fails")
	}
	return b.messages, append(append([]protocol.Command(nil), b.commands...), protocol.Unsubscribe{Tag: endOfBatch{}})
}

func (h *hand) Answer(c protocol.Command, o protocol.Outcome) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := c.(protocol.Publish); ok && h.later != nil {
		h.later <- o
		h.later = nil
		return nil
	}
	if h.aloud {
		if said := aloud(c, o); said != "" {
			return []protocol.Command{protocol.Send{Text: []byte(said)}}
		}
	}
	if h.current == nil {
		return nil // it was a command of OnOpen
	}
	if u, ok := c.(protocol.Unsubscribe); ok && u.Tag == (endOfBatch{}) {
		h.current.done <- h.current.outcomes
		return nil
	}
	h.current.outcomes = append(h.current.outcomes, o)
	return nil
}

// aloud is what became of a publish or subscribe, "" of all else.
func aloud(cmd protocol.Command, o protocol.Outcome) (said string) {
	switch cmd := cmd.(type) {
	case protocol.Publish:
		said = fmt.Sprintf("published %v at %d", cmd.Tag, o.Position.Offset)
	case protocol.Subscribe:
		said = fmt.Sprintf("subscribed at %d", o.Position.Offset)
		if o.Last != nil {
			said += " behind " + string(o.Last.Data)
		}
	default:
		return ""
	}
	if o.Err != nil {
		return "refused " + string(o.Err.Reason)
	}
	return said
}

func (h *hand) OnTick(now time.Time) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats = append(h.beats, now)
	return []protocol.Command{protocol.Send{Text: []byte("beat")}}
}

func (h *hand) OnReject(_ time.Time, err *protocol.Refusal, final bool) []protocol.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, err.Reason)
	if err.Message != nil {
		h.handed = append(h.handed, string(err.Message.Data))
	}
	if h.mild && !final {
		return nil
	}
	return protocol.End(err, []byte("bye: "+string(err.Reason)))
}

func (h *hand) refusals() []protocol.Reason {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]protocol.Reason(nil), h.refused...)
}

// batch is one frame from the client: it counts as so many messages, panics if it is to, or else does its commands.
type batch struct {
	messages int
	panics   bool
	commands []protocol.Command
	outcomes []protocol.Outcome
	done     chan []protocol.Outcome // capacity 1
}

// endOfBatch is the tag of the command behind a batch.
type endOfBatch struct{}
