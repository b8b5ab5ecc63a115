package actors

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// What a lifecycle understands.
type (
	// happened tells of one thing.
	happened struct {
		to   *lifecycle
		news protocol.Lifecycle
		gap  uint64 // events before it that were lost
	}
	// inform says anew where it is told.
	inform struct{ config Lifecycle }
	// settle answers when all that came before is told, and the topic has it or has refused it.
	flushLifecycle struct {
		ctx   context.Context
		reply mailbox.Reply[struct{}]
	}
	// farewell ends it, when all that came before is told.
	stopLifecycle struct{}
)

func (m happened) Refuse(err *protocol.Refusal)       { m.to.lose(m.gap, err.Reason) }
func (m flushLifecycle) Refuse(err *protocol.Refusal) { m.reply.Refuse(err) }

// lifecycle is the actor: it puts what happens to a tenant's connections and users into one order, numbers it, and hands
// it to the topic and the herald. The order is that in which it was posted, so for each connection that in which it
// happened: its user's user_online comes before connected, and user_offline after disconnected.
//
// Nobody waits for it. What its mailbox has no room for is lost, as what the topic refuses is, or the herald: it has a
// number all the same, so that whoever reads misses that.
type lifecycle struct {
	tenant *tenantCore
	box    mailbox.Mailbox
	wanted atomic.Uint32 // a bit for each happening that is told
	lost   atomic.Uint64 // since something was posted last

	// The actor's own.
	config  Lifecycle
	epoch   string
	number  uint64
	waiting []*fanout.Result // of what is on its way into the topic, oldest first

	told    atomic.Uint64
	losses  [3]atomic.Uint64 // as lossesOf says
	warnAt  atomic.Int64     // when losses may be worth the next line, as wheel.since tells it
	unheard atomic.Uint64    // losses since the last line
}

// lossesOf are the words for where events were lost.
var lossesOf = [...]string{"mailbox", "topic", "failure"}

const (
	lostInMailbox = iota
	lostInTopic
	lostInFailure
)

// maxOnTheWay bounds the events that are on their way into the topic, which may be waiting for a disk.
const maxOnTheWay = 8192

func newLifecycle(owner *tenantCore, cfg Lifecycle) *lifecycle {
	n := owner.node
	l := &lifecycle{tenant: owner, config: cfg, epoch: newEpoch()}
	l.box.Init(min(8*n.cfg.MailboxSize, maxMailbox))
	l.want(cfg.Of)
	n.lifecycles.Add(1)
	n.supervise.lifecycle.Spawn(l, &l.box)
	n.system.Done() // it outlives the others, of whose ends it tells
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

// wants reports whether a happening is told.
func (l *lifecycle) wants(what protocol.LifecycleType) bool { return l.wanted.Load()&what.Bit() != 0 }

// Receive is what the lifecycle does.
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
	for _, verdict := range l.waiting {
		_, _ = verdict.Wait(m.ctx, nil)
	}
	l.sweep()
	m.reply.Give(struct{}{}, nil)
}

// post takes something that happened, from any goroutine.
func (l *lifecycle) post(news protocol.Lifecycle) {
	l.box.Send(happened{l, news, l.lost.Swap(0)})
}

func (l *lifecycle) emit(m happened) {
	news := &m.news
	l.number += m.gap + 1 // at once: what a panic comes between has had its number
	news.Epoch, news.Number = l.epoch, l.number
	text := news.AppendJSON(make([]byte, 0, 256))
	if l.config.Sink != nil {
		l.config.Sink.Emit(l.epoch, news.Number, text)
	}
	if l.config.Topic {
		l.publish(news, text)
	}
	l.told.Add(1)
}

// publish hands an event to the topic. It waits for it only when the topic has to be made, since what follows would
// overtake it otherwise.
func (l *lifecycle) publish(news *protocol.Lifecycle, text []byte) {
	l.sweep()
	if len(l.waiting) >= maxOnTheWay {
		l.count(lostInTopic)
		return
	}
	id := l.epoch + "-" + strconv.FormatUint(news.Number, 10)
	ev, err := protocol.NewEvent(protocol.EventInput{ID: id, Kind: protocol.JSON, Topic: protocol.LifecycleTopic, Time: news.Time, Data: text, Checked: true})
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

// sweep looks what became of events that went to the topic.
func (l *lifecycle) sweep() {
	settled := 0
	for settled < len(l.waiting) && l.waiting[settled].Done() {
		if l.waiting[settled].Failed() {
			l.count(lostInTopic)
		}
		settled++
	}
	clear(l.waiting[:settled])
	l.waiting = l.waiting[settled:]
}

// lose counts an event that is not told. One that a panic came between has its number; for all others, and those before
// them, the next one leaves a gap.
func (l *lifecycle) lose(before uint64, reason protocol.Reason) {
	if reason == protocol.Internal {
		l.count(lostInFailure)
		return
	}
	l.lost.Add(before + 1)
	l.count(lostInMailbox)
}

// count counts a loss, and tells of losses in the log once a minute at most.
func (l *lifecycle) count(where int) {
	l.losses[where].Add(1)
	unheard := l.unheard.Add(1)
	n := l.tenant.node
	now := n.wheel.Since(time.Now())
	if at := l.warnAt.Load(); at > now || !l.warnAt.CompareAndSwap(at, now+int64(time.Minute)) {
		return
	}
	l.unheard.Store(0)
	n.log.Warn("lifecycle events were lost; their numbers are missing", "tenant", l.tenant.name, "lost_in", lossesOf[where], "events", unheard)
}

func (l *lifecycle) stats() LifecycleStats {
	f := LifecycleStats{Emitted: l.told.Load(), Lost: map[string]uint64{}}
	for i, word := range lossesOf {
		f.Lost[word] = l.losses[i].Load()
	}
	return f
}
