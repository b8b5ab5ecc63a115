package actors

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// These are the messages of a lifecycle.
type (
	// happened emits one event.
	happened struct {
		to   *lifecycle
		news protocol.Lifecycle
		gap  uint64 // events before it that were lost
	}
	// inform gives the lifecycle other settings.
	inform struct{ config Lifecycle }
	// flushLifecycle answers when everything before it is emitted, and the topic has stored it or has refused it.
	flushLifecycle struct {
		ctx   context.Context
		reply mailbox.Reply[struct{}]
	}
	// stopLifecycle ends the actor, when everything before it is emitted.
	stopLifecycle struct{}
)

func (m happened) Refuse(err *protocol.Refusal)       { m.to.lose(m.gap, err.Reason) }
func (m flushLifecycle) Refuse(err *protocol.Refusal) { m.reply.Refuse(err) }

// lifecycle is the actor: it puts what happens to a tenant's connections and users into one order, numbers it, and
// hands it to the topic and the sink. The order is that in which it was posted, so for each connection that in which it
// happened: its user's user_online comes before connected, and user_offline after disconnected.
//
// Nothing waits for it. An event is lost if its mailbox has no room, if the topic refuses it, or if the sink does: the
// event has a number all the same, so that a reader notices the gap.
type lifecycle struct {
	tenant *tenantCore
	box    mailbox.Mailbox
	wanted atomic.Uint32 // a bit for each type that is emitted
	lost   atomic.Uint64 // since an event was posted last

	// The actor's own.
	config  Lifecycle
	epoch   string
	number  uint64
	waiting []*fanout.Result // of what is on its way into the topic, oldest first

	stats stats.Events // any goroutine may count
}

// maxOnTheWay bounds the events that are on their way into the topic, which may be waiting for a disk.
const maxOnTheWay = 8192

func newLifecycle(owner *tenantCore, cfg Lifecycle) *lifecycle {
	n := owner.node
	l := &lifecycle{tenant: owner, config: cfg, epoch: newEpoch()}
	l.box.Init(min(8*n.cfg.MailboxSize, maxMailbox))
	l.want(cfg.Of)
	n.lifecycles.Add(1)
	n.supervise.lifecycle.Spawn(l, &l.box)
	n.system.Done() // it outlives the other actors, since it emits their ends
	return l
}

func (l *lifecycle) want(some []protocol.LifecycleType) {
	if len(some) == 0 {
		some = protocol.LifecycleTypes()
	}
	bits := uint32(0)
	for _, what := range some {
		bits |= what.Bit()
	}
	l.wanted.Store(bits)
}

// wants reports whether events of a type are emitted.
func (l *lifecycle) wants(what protocol.LifecycleType) bool { return l.wanted.Load()&what.Bit() != 0 }

// Receive handles one message.
func (l *lifecycle) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case happened:
		l.emit(m)
	case inform:
		l.config = m.config
	case flushLifecycle:
		l.flush(m)
	case stopLifecycle:
		ctx.Stop(ctx.Self())
	case crash:
		panic(m.cause)
	case *mailbox.Stopped:
		l.box.Close(errGone)
		l.tenant.node.lifecycles.Done()
	}
}

func (l *lifecycle) flush(m flushLifecycle) {
	for _, result := range l.waiting {
		_, _ = result.Wait(m.ctx, nil)
	}
	l.sweep()
	m.reply.Give(struct{}{}, nil)
}

// post queues something that happened. Any goroutine may call it; it does not block.
func (l *lifecycle) post(news protocol.Lifecycle) {
	l.box.Send(happened{l, news, l.lost.Swap(0)})
}

func (l *lifecycle) emit(m happened) {
	news := &m.news
	l.number += m.gap + 1 // first: an event that a panic prevents has had its number
	news.Epoch, news.Number = l.epoch, l.number
	text := news.AppendJSON(make([]byte, 0, 256))
	if l.config.Sink != nil {
		l.config.Sink.Emit(l.epoch, news.Number, text)
	}
	if l.config.Topic {
		l.publish(news, text)
	}
	l.stats.Emitted.Add(1)
}

// publish hands an event to the topic. It waits for the topic only if the topic has to be made, since later events
// would overtake this one otherwise.
func (l *lifecycle) publish(news *protocol.Lifecycle, text []byte) {
	l.sweep()
	if len(l.waiting) >= maxOnTheWay {
		l.count(stats.Topic)
		return
	}
	id := l.epoch + "-" + strconv.FormatUint(news.Number, 10)
	ev, err := protocol.NewEvent(protocol.EventInput{
		ID: id, Kind: protocol.JSON, Topic: protocol.LifecycleTopic, Time: news.Time, Data: text, Checked: true,
	})
	if err != nil {
		panic(err) // of our own text
	}
	p := fanout.NewDelivery(ev, true)
	if !l.tenant.topics.Send(protocol.LifecycleTopic, publish{p}) {
		ctx, cancel := context.WithTimeout(context.Background(), l.tenant.node.cfg.PublishWait)
		defer cancel()
		l.tenant.topic(protocol.LifecycleTopic, publish{p})
		_, _ = p.Result.Wait(ctx, nil)
	}
	l.waiting = append(l.waiting, p.Result)
}

// sweep checks the outcomes of the events that went to the topic, and counts those that the topic refused.
func (l *lifecycle) sweep() {
	settled := 0
	for settled < len(l.waiting) && l.waiting[settled].Done() {
		if l.waiting[settled].Failed() {
			l.count(stats.Topic)
		}
		settled++
	}
	clear(l.waiting[:settled])
	l.waiting = l.waiting[settled:]
}

// lose counts an event that was not emitted. An event that a panic prevented has its number; for all others, and the
// lost ones before them, the next event leaves a gap.
func (l *lifecycle) lose(before uint64, reason protocol.Reason) {
	if reason == protocol.Internal {
		l.count(stats.Failure)
		return
	}
	l.lost.Add(before + 1)
	l.count(stats.Mailbox)
}

// count counts a loss, and logs losses once a minute at most.
func (l *lifecycle) count(to stats.Cause) {
	n := l.tenant.node
	if events := l.stats.Lost(to, n.wheel.Since(time.Now())); events > 0 {
		n.log.Warn("lifecycle events were lost; their numbers are missing",
			"tenant", l.tenant.name, "lost_in", to.String(), "events", events)
	}
}
