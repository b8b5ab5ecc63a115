package actors

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Lingering is for dialects that have no words to resume: a connection that breaks without a goodbye leaves a record,
// and the next connection of the same client gets its subscriptions back and what it missed, in order and once, before
// anything new. It is off unless Config.Linger says for how long.
//
// Whom it is for:
//
//   - A connection whose socket broke, or that was silent for too long. One that the client closed, or that was
//     disconnected, revoked, suspended, drained, expired or too slow, leaves nothing.
//   - A connection of a user, by a credential that proves who it is. Anonymous and unproven ones leave nothing.
//
// Who is the same client: a connection of the same tenant, user and dialect that came with the same key (Dial.Client).
// A key is the client's own word that it is the same one, so a connection that is still there, as those are whose peer
// has vanished, is closed for it. Without a key nothing says which of a user's connections has come back; then it is
// taken for the same one only if exactly one lingers and none else of that dialect is there. Where that is in doubt, the
// records without a key are given up: to give one client the subscriptions of another would be worse than to give none,
// and so would be to play twice what another connection has heard meanwhile. Rights are not inherited: each subscription
// is checked against the new identity.
//
// What a record holds: the events that were not written to the socket, as frames; the subscriptions, with their filters
// and the very topics that they are attached to; where each of those topics stood when the connection left it, since
// everything later comes from the topic's history; and what is sent to the user meanwhile, which has no history.
//
// What is not kept, and counted as missed (Figures.Missed, ConnectionInfo.Missed): what the history has forgotten, or a
// new epoch; what is sent to all meanwhile; what a full record, ledger or outbox has no room for; and what waited for a
// client that has lost a right since, for a frame does not say which of its topics it is of. What the kernel had taken
// and the client never read is neither kept nor counted, since nobody here knows of it; a client that must not lose that
// either resumes by its own position.

// linger is what a connection needs to leave a record, and what it got from one. It is nil where nobody lingers.
type linger struct {
	client  string  // static
	pending *record // what is to be restored; the actor's

	restored, replayed, missed atomic.Uint64
	// everyone is where the topic of everyone stood when the connection joined; the actor's.
	everyone protocol.Position
	// after are events to the user after the end of the connection and before its record came, tooLate how many more
	// there were; the user's.
	after   []*outbox.Frame
	tooLate int
}

// key is that of the connection's client, "" for none.
func (g *linger) key() string {
	if g == nil {
		return ""
	}
	return g.client
}

// take takes what is to be restored, nil for nothing.
func (g *linger) take() (rec *record) {
	if g != nil {
		rec, g.pending = g.pending, nil
	}
	return rec
}

// giveUp counts what is never restored, since the connection ends before.
func (g *linger) giveUp(n *Node) {
	if rec := g.take(); rec != nil {
		g.miss(n, protocol.Disconnected, rec.worth())
	}
}

// miss counts events that the client missed and that cannot be replayed.
func (g *linger) miss(n *Node, why protocol.Reason, events int) {
	if events > 0 {
		g.missed.Add(uint64(events))
		n.miss(why, events)
	}
}

// maxAfter bounds the events that come to the user between the end of a connection and its record.
const maxAfter = 256

// late notes an event to the user for a connection whose end the user has not been told yet.
func (g *linger) late(f *outbox.Frame) {
	switch {
	case g == nil || f == nil:
	case len(g.after) < maxAfter:
		g.after = append(g.after, f)
	default:
		g.tooLate++
	}
}

// record is what a connection leaves. Who has taken it from the ledger owns it.
type record struct {
	// Static.
	tenant   *tenantCore
	dialect  protocol.Dialect
	client   string
	identity *protocol.Identity
	number   uint64 // of the connection
	until    int64  // as wheel.since tells it
	view     *protocol.View
	lent     bool // the connection heard something by another right than its own

	// frames are the events that were not written; the first flying ones are what outbox may have written meanwhile.
	frames    []*outbox.Frame
	flying    int
	outbox    *outbox.Outbox // that they waited in
	interests fanout.Subscriptions
	marks     []mark
	everyone  protocol.Position
	cut       int // how many of the oldest frames there was no room for
	size      int // bytes, about

	// unheard are the events to the user meanwhile that there was no room for; the user's actor counts while it has the
	// record.
	unheard int

	// Of who holds the ledger's lock, while it holds the record.
	sent []*outbox.Frame // events to the user meanwhile
	held bool
}

// mark is where a topic stood; the zero position is unknown.
type mark struct {
	topic string
	at    protocol.Position
}

// yield ends a connection whose client has come back, if it may linger, and answers when its record is with the user.
type yield struct{ reply mailbox.Reply[struct{}] }

func (m yield) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }

// mayLinger says how long broken connections of the tenant may come back: 0 is what the node says, less is not at all.
func (c *tenantCore) mayLinger(d time.Duration) {
	if d == 0 {
		d = c.node.cfg.Linger
	}
	c.linger.Store(int64(max(d, 0)))
	if d > 0 {
		c.node.lingers.Store(true)
	}
}

// record takes the connection out of its topics and its outbox into a record. Nothing is offered to it afterwards.
func (h *hearing) record(l *Link) *record {
	t := l.tenant()
	rec := &record{
		tenant: t, dialect: l.dialect(), client: l.linger.client, identity: l.identity.Load(), number: l.number(),
		until: l.node.wheel.Since(time.Now()) + t.linger.Load(), view: l.heeds.Load(), lent: l.flags.has(hasLent), interests: h.Subscriptions,
	}
	ctx, done := l.step()
	defer done()
	for _, topic := range h.Attached() {
		rec.marks = append(rec.marks, mark{topic, l.release(ctx, topic)})
	}
	h.Subscriptions = nil
	rec.everyone = l.release(ctx, everyone)
	var dropped int
	rec.outbox = &l.outbox
	rec.frames, rec.flying, dropped = l.outbox.Detach()
	l.node.dropped(protocol.Lost, dropped)
	rec.weigh()
	return rec
}

// part leaves a record with the user.
func (h *hearing) part(l *Link) {
	rec := h.record(l)
	l.tenant().users.SendUnbounded(rec.identity.User, leave{l, rec})
}

// yield is the end of a connection whose client has come back.
func (c *connection) yield() {
	if c.closing || !c.member.lingers(&c.Link) {
		return
	}
	c.member.depart(&c.Link, protocol.Disconnected, 0, true)
	c.hears.part(&c.Link)
	if !c.outbox.AwaitFlush() {
		c.outbox.Transport().Cut()
	}
	c.end(ending(protocol.Disconnected, protocol.Disconnected.CloseCode(), "replaced by a newer connection of the same client"))
}

// Bounds of a record, in bytes, and what its parts count as.
const (
	maxRecord  = 256 << 10
	recordSize = 512
	ruleSize   = 192
	markSize   = 64
)

// weigh finds the record's size, and forgets the oldest frames if it is too large.
func (r *record) weigh() {
	r.size = recordSize + len(r.client) + ruleSize*len(r.interests) + markSize*len(r.marks)
	for _, m := range r.marks {
		r.size += len(m.topic)
	}
	from := len(r.frames)
	for from > 0 && r.size+r.frames[from-1].Size() <= maxRecord {
		from--
		r.size += r.frames[from].Size()
	}
	r.cut, r.frames = from, r.frames[from:]
}

// unwritten are the events that were not written, and how many of those there was no room for.
func (r *record) unwritten() (events []*outbox.Frame, cut int) {
	r.outbox.AwaitFlush() // its client may be back before the writer has noted what it wrote
	written := min(r.outbox.LateAcks(), r.flying)
	for i, f := range r.frames {
		if r.cut+i >= written && f.IsEvent() {
			events = append(events, f)
		}
	}
	return events, max(0, r.cut-written)
}

// worth is how many events are missed if the record is given up, as far as it knows; one at least.
func (r *record) worth() int { return max(1, len(r.frames)+r.cut+len(r.sent)) }

// empty lets go of what a record held that was given up: its user may keep it for a while.
func (r *record) empty() {
	r.frames, r.sent, r.outbox, r.interests, r.marks = nil, nil, nil, nil, nil
}

// at is where a topic stood. unknown says that it did not say.
func (r *record) at(topic string) (at protocol.Position, known bool) {
	for _, m := range r.marks {
		if m.topic == topic {
			return m.at, m.at != protocol.Position{}
		}
	}
	return at, false
}
