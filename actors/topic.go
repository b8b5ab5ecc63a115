package actors

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// What a topic understands.
type (
	// subscribe adds a subscriber, or gives it another interest.
	subscribe struct {
		link     *Link
		interest *interest
		reply    reply[struct{}]
	}
	// unsubscribe removes a subscriber; unknown ones are ignored.
	unsubscribe struct {
		link  *Link
		reply reply[struct{}] // the zero reply if nobody waits
	}
	// publish appends an event, gives it to the subscribers and hands it to the topics above.
	publish struct{ publication *publication }
	// echo gives an event of a topic below to the subscribers. It is appended here too: each topic has an order of its own.
	echo struct{ publication *publication }
	// lookBack answers with the events after a position.
	lookBack struct {
		after protocol.Position
		limit int
		reply reply[HistoryPage]
	}
	// describe answers with what can be told of the topic.
	describe struct{ reply reply[TopicInfo] }
	// flush releases what was held back for subscribers that want fewer events.
	flush struct{ due time.Time }
	// rest stops the topic if nobody uses it.
	rest struct{}
	// crash panics, for tests of what is promised then.
	crash struct{ cause string }
)

func (m subscribe) refuse(why *protocol.Refusal)   { m.reply.refuse(why) }
func (m unsubscribe) refuse(why *protocol.Refusal) { m.reply.refuse(why) }
func (m publish) refuse(why *protocol.Refusal)     { m.publication.verdict.failed(why) }
func (m echo) refuse(why *protocol.Refusal)        { m.publication.verdict.failed(why) }
func (m lookBack) refuse(why *protocol.Refusal)    { m.reply.refuse(why) }
func (m describe) refuse(why *protocol.Refusal)    { m.reply.refuse(why) }

// topicCore is what a topic keeps when its actor restarts. The actor alone touches it.
type topicCore struct {
	node     *Node
	tenant   *tenantCore
	name     string
	box      *mailbox
	epoch    string
	history  *history.Memory
	dedup    dedup
	audience audience
	attends  attendance
	// used is when the topic last had a subscriber or a publish of its own: what comes from below keeps nobody's topic.
	used time.Time
	// flushes are those that the wheel is going to send. One is asked for only if it is earlier than all of them.
	flushes []time.Time
}

// topic is the actor: the sequencer of one named stream of events.
type topic struct{ *topicCore }

func (n *Node) newTopic(t *tenantCore, name string) entry {
	c := &topicCore{
		node: n, tenant: t, name: name, box: newMailbox(n.cfg.MailboxSize), epoch: newEpoch(),
		history: history.NewMemory(n.cfg.remembers()), dedup: dedup{count: n.cfg.DedupCount, age: n.cfg.DedupAge}, used: time.Now(),
	}
	if name == everyone {
		c.history = history.NewMemory(history.Bounds{})
	}
	pid := n.spawn(c.box, n.supervise.topic, func() actor.Actor { return &topic{c} })
	n.wheel.arm(c.used.Add(n.cfg.TopicIdle), c)
	return entry{box: c.box, pid: pid}
}

// ring is the topic's idle deadline.
func (c *topicCore) ring() { c.box.force(rest{}) }

// Receive is what the topic does.
func (t *topic) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		t.audience.rebuild()
	case publish:
		t.publish(m.publication)
	case echo:
		m.publication.verdict.answered(t.append(m.publication))
	case subscribe:
		t.subscribe(m)
	case unsubscribe:
		t.audience.remove(m.link)
		t.used = time.Now()
		m.reply.give(struct{}{}, nil)
	case lookBack:
		m.reply.give(t.lookBack(m))
	case attend:
		t.used = time.Now()
		t.attends = t.attends.note(t.name, m, t.used)
	case rollCall:
		m.reply.give(t.attends.present(time.Now()), nil)
	case describe:
		m.reply.give(t.describe(), nil)
	case flush:
		t.flush(m)
	case rest:
		t.rest(ctx)
	case crash:
		panic(m.cause)
	case *actor.Stopped:
		t.box.close(errGone)
		t.node.actors.Done()
	}
}

func (t *topic) publish(p *publication) {
	now := time.Now()
	if first := t.dedup.known(p, now); first != nil {
		p.verdict.repeats(first)
		return
	}
	t.used = now
	t.forward(p)
	delivered := t.append(p)
	if t.name != everyone {
		p.verdict.at(t.name, protocol.Position{Epoch: t.epoch, Offset: t.history.Newest()})
	}
	p.verdict.answered(delivered)
}

// append gives the event its place in this topic's order and delivers it.
func (t *topic) append(p *publication) (delivered int) {
	now := time.Now()
	offset := t.history.Append(p.event, now)
	delivered, due := t.audience.deliver(t.node, p, offset, now)
	t.flushBy(due)
	return delivered
}

// forward hands the event to the topics above that exist; those that do not have no listener and cost nothing. It is
// done over their mailboxes' limits: the publisher waits for them, which bounds how many there can be.
func (t *topic) forward(p *publication) {
	for up := protocol.Parent(t.name); up != ""; up = protocol.Parent(up) {
		p.verdict.expect(1)
		if !t.tenant.topics.force(up, echo{p}) {
			p.verdict.answered(0)
		}
	}
}

func (t *topic) subscribe(m subscribe) {
	before := t.audience.interest(m.link)
	t.audience.set(t.node, m.link, m.interest, t.history.Newest())
	t.used = time.Now()
	switch {
	case m.reply.give(struct{}{}, nil):
	case before == nil: // the connection did not wait so long, and takes it for refused
		t.audience.remove(m.link)
	default:
		t.audience.set(t.node, m.link, before, t.history.Newest())
	}
}

func (t *topic) lookBack(m lookBack) (HistoryPage, *protocol.Refusal) {
	now := time.Now()
	page := HistoryPage{Position: protocol.Position{Epoch: t.epoch, Offset: t.history.Newest()}}
	after := m.after
	if after.Epoch == "" && after.Offset == 0 { // from the oldest that there is
		after = protocol.Position{Epoch: t.epoch, Offset: t.history.Oldest(now)}
	}
	entries, ok := t.history.After(after.Offset, m.limit, now)
	if !ok || after.Epoch != "" && after.Epoch != t.epoch {
		return page, protocol.Refuse(protocol.PositionLost, "the history of %s is in epoch %s and reaches from offset %d to %d; %d is not in it",
			protocol.Quote(t.name), t.epoch, t.history.Oldest(now)+1, t.history.Newest(), m.after.Offset)
	}
	for _, e := range entries {
		page.Events = append(page.Events, Remembered{Offset: e.Offset, Event: e.Event})
	}
	return page, nil
}

func (t *topic) describe() TopicInfo {
	return TopicInfo{Name: t.name, Subscribers: len(t.audience.members),
		Position: protocol.Position{Epoch: t.epoch, Offset: t.history.Newest()}, History: t.history.Len(time.Now())}
}

func (t *topic) flush(m flush) {
	t.flushes = slices.DeleteFunc(t.flushes, m.due.Equal)
	t.flushBy(t.audience.flush(t.node, time.Now()))
}

func (t *topic) flushBy(due time.Time) {
	if due.IsZero() || slices.ContainsFunc(t.flushes, func(asked time.Time) bool { return !due.Before(asked) }) {
		return
	}
	t.flushes = append(t.flushes, due)
	t.node.wheel.arm(due, flushing{t.topicCore, due})
}

// flushing is the alarm of a flush.
type flushing struct {
	topic *topicCore
	due   time.Time
}

func (f flushing) ring() { f.topic.box.force(flush{f.due}) }

func (t *topic) rest(ctx actor.Context) {
	now := time.Now()
	t.dedup.expire(now)
	t.history.Len(now)
	idle := now.Sub(t.used)
	if len(t.audience.members) == 0 && idle >= t.node.cfg.TopicIdle && t.tenant.topics.retire(t.name, t.box) {
		if t.name != everyone {
			t.tenant.topicsMade.Add(-1)
		}
		ctx.Stop(ctx.Self())
		return
	}
	t.node.wheel.arm(now.Add(max(t.node.cfg.TopicIdle-idle, t.node.cfg.TopicIdle/4)), t.topicCore)
}
