package tap

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/copyonwrite"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// maxTaps is how many taps a node may have.
const maxTaps = 16

// Target is what is tapped in a tenant: the connection of a number, all connections of a user, or a topic.
type Target struct {
	Tenant      string
	Number      uint64
	User, Topic string
}

// Taps are those of a node. Its methods may be called from many goroutines at once; none blocks.
type Taps struct {
	// Find finds a connection of a tenant. Static after the start.
	Find func(tenant string, number uint64) (info.Source, bool)
	// Outboxes are told when to show what is taken from them. Static after the start.
	Outboxes *outbox.Shared

	mu  sync.Mutex // held for a change of all
	all copyonwrite.List[*Tap]
}

// Any reports whether there is a tap.
func (t *Taps) Any() bool { return t.all.Any() }

// Open starts a tap, which the caller has to close. Errors are protocol.Refusals: NotFound if there is no such
// connection, Busy if there are too many taps.
func (t *Taps) Open(of Target) (*Tap, error) {
	p := &Tap{taps: t, target: of, queue: make(chan Frame, maxFrames)}
	if of.Number != 0 {
		found := false
		if p.source, found = t.Find(of.Tenant, of.Number); !found {
			return nil, protocol.Refuse(protocol.NotFound, "the connection has ended")
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all.All()) >= maxTaps {
		const detail = "too many taps are open"
		return nil, &protocol.Refusal{Reason: protocol.Busy, RetryAfter: time.Minute, Detail: detail}
	}
	t.all.Add(p)
	taken := t.taken
	t.Outboxes.Taken.Store(&taken)
	return p, nil
}

func (t *Taps) remove(p *Tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all.Remove(p); !t.all.Any() {
		t.Outboxes.Taken.Store(nil)
	}
}

// Received shows a frame from a client, before what its session made of it is done. Nobody changes data any more.
func (t *Taps) Received(
	tenant string, number uint64, from info.Source, message protocol.ClientMessage, commands []protocol.Command,
) {
	f := Frame{In: true, Op: outbox.Text, Data: message.Data, Source: from, Login: !from.LoggedIn}
	if message.Binary {
		f.Op = outbox.Binary
	}
	topics := f.note(commands)
	for _, p := range t.all.All() {
		of := p.target
		if of.Tenant == tenant && (of.Number == number || of.User != "" && of.User == from.User ||
			of.Topic != "" && slices.Contains(topics, of.Topic)) {
			p.offer(f)
		}
	}
}

// note keeps the credentials that a session took from the frame, and returns the topics that the frame is about.
func (f *Frame) note(commands []protocol.Command) (topics []string) {
	for _, command := range commands {
		switch c := command.(type) {
		case protocol.Authenticate:
			f.Login, f.Tokens = true, append(f.Tokens, c.Credential.Token)
		case protocol.Verify:
			f.Tokens = append(f.Tokens, c.Credential.Token)
		case protocol.Subscribe:
			topics = append(topics, c.Topic)
		case protocol.Unsubscribe:
			topics = append(topics, c.Topic)
		case protocol.Publish:
			topics = append(topics, c.Topic)
		case protocol.Announce:
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

// Encoded shows the frame of a topic's event in a dialect, once for all who get it; nil is none.
func (t *Taps) Encoded(tenant, topic, dialect string, frame *outbox.Frame) {
	for _, p := range t.all.All() {
		if p.target.Topic == topic && p.target.Tenant == tenant {
			p.offerAll(frame, info.Source{Dialect: dialect, LoggedIn: true})
		}
	}
}

// taken shows frames that are about to be written to a socket.
func (t *Taps) taken(number uint64, frames []*outbox.Frame) {
	for _, p := range t.all.All() {
		of := p.target
		if of.Topic != "" || of.Number != 0 && of.Number != number {
			continue
		}
		source, found := t.Find(of.Tenant, number)
		if of.Number != 0 && !found { // it has left, and hears its goodbye
			source, found = p.source, true
		}
		if !found || of.User != "" && of.User != source.User {
			continue
		}
		for _, f := range frames {
			p.offerAll(f, source)
		}
	}
}
