package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
)

// These are the messages of a topic.
type (
	// subscribe adds a subscriber, or replaces its filters. The events that it missed since a position are replayed
	// (topic_replay.go).
	subscribe struct {
		link    *Conn
		filters *fanout.Filters
		wish
		mailbox.Reply[attached]
	}
	// unsubscribe removes a subscriber, and answers the topic's position; an unknown one is ignored. The subscriber
	// first gets the events that wait for the end of a window, and with settled those that a throttle holds back for
	// it.
	unsubscribe struct {
		link                             *Conn
		settled                          bool
		mailbox.Reply[protocol.Position] // the zero Reply if nobody waits
	}
	// publish appends an event, delivers it to the subscribers and hands it to the parent topics.
	publish struct{ delivery *fanout.Delivery }
	// propagate delivers an event of a topic below to the subscribers. It is appended here, too: each topic has an
	// order of its own. known says that the topic below had the event before.
	propagate struct {
		delivery *fanout.Delivery
		known    bool
	}
	// readHistory answers with the events after a position, or in reverse with those before it.
	readHistory struct {
		after   protocol.Position
		limit   int
		reverse bool
		mailbox.Reply[HistoryPage]
	}
	// describe answers with the TopicInfo.
	describe struct{ mailbox.Reply[TopicInfo] }
	// flush delivers what throttles held back for subscribers that want fewer events.
	flush struct{ due time.Time }
	// idleTimeout stops the topic if nobody uses it.
	idleTimeout struct{}
	// trimHistory forgets the older half of a history in memory, since memory is short.
	trimHistory struct{}
	// announce notes that a member of the topic is alive.
	announce struct {
		member string
		data   []byte
		life   time.Duration
		link   *Conn
	}
	// listMembers answers with the members that announced themselves.
	listMembers struct {
		mailbox.Reply[[]presence.Member]
	}
	// readMembers answers with the members that are present.
	readMembers struct {
		mailbox.Reply[[]protocol.Member]
	}
	// crash panics, for tests of what is promised then.
	crash struct{ cause string }
)

func (m publish) Refuse(err *protocol.Refusal)   { m.delivery.Result.Fail(err) }
func (m propagate) Refuse(err *protocol.Refusal) { m.delivery.Result.Fail(err) }

// topic is the actor: the sequencer of one named stream of events. Only the actor touches its fields, except for the
// mailbox.
type topic struct {
	tenant      *tenantCore
	name        string
	box         mailbox.Mailbox
	policy      *policy.Topic   // its settings; Store counts only when the topic is made
	history     history.History // memory or disk; nil until it is open
	memory      *history.Memory // nil if it is durable
	disk        *durable.Topic  // nil if it is in memory
	appending   int             // events on their way to the disk
	handedOver  *fanout.Result  // of the last event that parents got through the tenant; nil if none did
	dedup       fanout.Dedup
	subscribers fanout.Batcher
	members     presence.Members
	tracker     presence.Tracker
	// used is when the topic last had a subscriber or an own publish (timer.Wheel.Since); events from below do not
	// count.
	used int64
}

func newTopic(owner *tenantCore, name string) *mailbox.Mailbox {
	n := owner.node
	now := n.now()
	t := &topic{
		tenant: owner, name: name, policy: policyOf(owner.rules.Load(), name), used: n.wheel.Since(now),
	}
	t.box.Init(n.cfg.MailboxSize)
	t.box.Dedicate(t.dedicated())
	n.supervise.topic.Spawn(t, &t.box)
	n.wheel.Schedule(now.Add(n.cfg.TopicIdle), t)
	return &t.box
}

func (t *topic) node() *services { return t.tenant.node }

// few is how many subscribers a topic may have that a publisher still runs inline. With more, a publisher at full speed
// outruns the goroutines that write to sockets: with 1,000 the p99 doubled (2 cores, 2026-11-21).
const few = 4

// dedicated reports whether the topic needs a goroutine of its own, since it works long or waits for the disk.
func (t *topic) dedicated() bool {
	return t.disk != nil || t.policy.Store == policy.Durable || t.subscribers.Count() > few
}

// Fire is the topic's idle timer.
func (t *topic) Fire() { t.box.SendUnbounded(idleTimeout{}) }

// use notes that somebody uses the topic.
func (t *topic) use(now time.Time) { t.used = t.node().wheel.Since(now) }

// Receive handles one message. It does the messages of a publish itself and leaves the others to serve: a function's
// stack frame has room for everything that it may need, and a topic that was idle has a small stack.
func (t *topic) Receive(ctx mailbox.Context) {
	t.applyPolicy()
	if t.history == nil {
		if err := t.open(); err != nil {
			m, refused := ctx.Message().(mailbox.Refusable)
			if _, named := m.(describe); refused && !named {
				m.Refuse(err)
				return
			}
		}
	}
	switch m := ctx.Message().(type) {
	case publish:
		t.publish(m.delivery)
	case propagate:
		t.propagate(m)
	case appended:
		t.appended(m)
	default:
		t.serve(ctx)
	}
}

// serve handles the messages that are not about an event.
func (t *topic) serve(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case mailbox.Restarted:
		t.subscribers.Rebuild()
		t.subscribers.End((*fanoutEngine)(t), t.node().now())
	case subscribe:
		t.subscribe(m)
		t.box.Dedicate(t.dedicated())
	case unsubscribe:
		if m.settled {
			t.count(t.subscribers.FlushTo((*fanoutEngine)(t), &m.link.outbox))
		}
		batcher{t}.remove(m.link)
		t.box.Dedicate(t.dedicated())
		t.use(t.node().now())
		m.Reply.Give(t.history.Position(), nil)
	case readHistory:
		m.Reply.Give(historyReader{t}.readHistory(m))
	case announce:
		now := t.node().now()
		t.use(now)
		t.members = t.members.Note(t.name, m.member, m.data, m.life, m.link.ID(), now)
	case readMembers:
		m.Reply.Give(t.tracker.List(), nil)
	case listMembers:
		m.Reply.Give(t.members.List(t.node().now()), nil)
	case describe:
		m.Reply.Give(historyReader{t}.describe(), nil)
	case interface{ askTopic(*topic) }: // see may_deliver.go
		m.askTopic(t)
	case flush:
		t.subscribers.FlushDue((*fanoutEngine)(t), m.due, t.node().now())
	case windowEnds:
		t.subscribers.EndNumber((*fanoutEngine)(t), m.number, t.node().now())
	case trimHistory:
		if t.memory != nil {
			t.memory.Halve()
		}
	case idleTimeout:
		t.idle(ctx)
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		t.subscribers.End((*fanoutEngine)(t), t.node().now())
		t.box.Close(errGone)
		t.node().system.Done()
	}
}

// applyPolicy applies the tenant's rules as they are now.
func (t *topic) applyPolicy() {
	now := t.tenant.rules.Load()
	if t.policy.Set() == now {
		return
	}
	t.policy = policyOf(now, t.name)
	t.box.Dedicate(t.dedicated())
	t.setBounds()
	t.dedup.Resize(t.policy.DedupCount)
}

func (t *topic) publish(p *fanout.Delivery) {
	now := t.node().now()
	if first := t.dedup.Known(t.policy.DedupCount, t.policy.DedupAge, p, now); first != nil {
		p.Result.Repeats(first)
		return
	}
	p.Apply(t.policy)
	t.use(now)
	if t.memory == nil {
		t.store(p, now, false)
		return
	}
	t.forward(p, false)
	t.delivered(p, t.memory.Append(p.Event, now), now, false)
}

func (t *topic) subscribe(m subscribe) {
	now := t.node().now()
	before := t.subscribers.FiltersOf(&m.link.outbox)
	if before != nil && t.subscribers.HoldsLatest() { // the answer is a position: what came before it has to be heard
		t.subscribers.End((*fanoutEngine)(t), now)
	}
	missed, err := historyReader{t}.missedBy(m, now)
	if err == nil {
		err = t.tracker.Admit(m.member, m.maxMembers)
	}
	if err != nil {
		m.Refuse(err)
		return
	}
	missed.give(m.link)
	batcher{t}.setMember(m.link, m.member, now)
	answer := attached{at: t.history.Position(), replayed: len(missed.frames), missed: missed.missed}
	if m.members {
		answer.members = t.tracker.List()
	}
	if m.last {
		answer.last = history.Last(t.history, m.filters.Want, now)
	}
	t.setFilters(m.link, m.filters, answer.at.Offset)
	t.use(now)
	switch {
	case m.Reply.Give(answer, nil):
	case len(missed.frames) > 0: // the client would get them again with its next attempt
		m.link.box.SendUnbounded(endConnection{err: mailbox.ErrBusy})
	case before == nil: // the connection did not wait so long, and takes the subscription for refused
		batcher{t}.remove(m.link)
	default:
		t.setFilters(m.link, before, answer.at.Offset)
	}
}

// setFilters makes a connection a subscriber, or replaces its filters.
func (t *topic) setFilters(l *Conn, filters *fanout.Filters, offset uint64) {
	t.count(t.subscribers.Set((*fanoutEngine)(t), &l.outbox, l.dialect(), filters, offset))
}

// count adds to the delivered events.
func (t *topic) count(delivered int) { t.node().totals.Delivered.Add(uint64(delivered)) }

func (t *topic) idle(ctx mailbox.Context) {
	now, cfg, wheel := t.node().now(), &t.node().cfg, t.node().wheel
	t.dedup.Expire(t.policy.DedupAge, now)
	if t.memory != nil {
		t.memory.Len(now) // drops the events that are too old
	}
	idle := time.Duration(wheel.Since(now) - t.used)
	unused := t.subscribers.Count() == 0 && t.appending == 0 && idle >= cfg.TopicIdle && !t.tenant.fills(t.name)
	if unused && t.tenant.topics.Remove(t.name, &t.box) {
		if counts(t.name) {
			t.tenant.topicsMade.Add(-1)
		}
		ctx.Stop(ctx.Self())
		return
	}
	wheel.Schedule(now.Add(max(cfg.TopicIdle-idle, cfg.TopicIdle/4)), t)
}

// Refuse does nothing: the member announces itself again before its time is over.
func (m announce) Refuse(*protocol.Refusal) {}
