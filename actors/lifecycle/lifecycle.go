package lifecycle

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// These are the messages of the actor.
type (
	// happened emits one event.
	happened struct {
		to   *Actor
		news protocol.Lifecycle
		gap  uint64 // events before it that were lost
	}
	// configure gives the actor other settings.
	configure struct{ config Config }
	// flush answers when everything before it is emitted, and the topic has stored it or has refused it.
	flush struct {
		ctx   context.Context
		reply mailbox.Reply[struct{}]
	}
	// stop ends the actor, when everything before it is emitted.
	stop struct{}
)

func (m happened) Refuse(err *protocol.Refusal) { m.to.lose(m.gap, err.Reason) }
func (m flush) Refuse(err *protocol.Refusal)    { m.reply.Refuse(err) }

// Actor puts what happens to a tenant's connections and users into one order, numbers it, and hands it to the topic and
// the sink. Any goroutine may call its methods; none of them blocks, except Flush.
type Actor struct {
	// Static.
	host Host
	box  mailbox.Mailbox

	wanted atomic.Uint32 // a bit for each type that is emitted
	lost   atomic.Uint64 // since an event was posted last

	// The actor's own.
	config  Config
	epoch   string
	number  uint64
	waiting []*fanout.Result // of what is on its way into the topic, oldest first

	stats stats.Events // any goroutine may count
}

// maxOnTheWay bounds the events that are on their way into the topic, which may be waiting for a disk.
const maxOnTheWay = 8192

// New starts the actor for a tenant. Its epoch is new.
func New(host Host, cfg Config) *Actor {
	l := &Actor{host: host, config: cfg, epoch: history.NewEpoch()}
	l.box.Init(host.MailboxSize)
	l.want(cfg.Of)
	host.Supervisor.Spawn(l, &l.box)
	return l
}

// Box is the actor's mailbox, for the watchdog.
func (l *Actor) Box() *mailbox.Mailbox { return &l.box }

// Stats are what became of its events so far.
func (l *Actor) Stats() stats.Lifecycle { return l.stats.Snapshot() }

// Configure gives the actor other settings, for the events that are posted from now on.
func (l *Actor) Configure(cfg Config) {
	l.want(cfg.Of)
	l.box.SendUnbounded(configure{cfg})
}

// Flush blocks until everything that was posted before is emitted, and the topic has stored it or has refused it. The
// error is Busy if ctx ends before.
func (l *Actor) Flush(ctx context.Context) *protocol.Refusal {
	told := mailbox.NewReply[struct{}]()
	l.box.SendUnbounded(flush{ctx, told})
	_, err := told.Wait(ctx)
	return err
}

// Stop ends the actor, when everything that was posted before is emitted. Host.Stopped is called then.
func (l *Actor) Stop() { l.box.SendUnbounded(stop{}) }

func (l *Actor) want(some []protocol.LifecycleType) {
	if len(some) == 0 {
		some = protocol.LifecycleTypes()
	}
	bits := uint32(0)
	for _, what := range some {
		bits |= what.Bit()
	}
	l.wanted.Store(bits)
}

// Wants reports whether events of a type are emitted.
func (l *Actor) Wants(what protocol.LifecycleType) bool { return l.wanted.Load()&what.Bit() != 0 }

// Receive handles one message.
func (l *Actor) Receive(ctx mailbox.Context) {
	switch m := ctx.Message().(type) {
	case happened:
		l.emit(m)
	case configure:
		l.config = m.config
	case flush:
		l.flushed(m)
	case stop:
		ctx.Stop(ctx.Self())
	case *mailbox.Stopped:
		l.box.Close(&protocol.Refusal{Reason: protocol.Draining})
		l.host.Stopped()
	}
}

func (l *Actor) flushed(m flush) {
	for _, result := range l.waiting {
		_, _ = result.Wait(m.ctx, nil)
	}
	l.sweep()
	m.reply.Give(struct{}{}, nil)
}

// Post queues something that happened.
func (l *Actor) Post(news protocol.Lifecycle) {
	l.box.Send(happened{l, news, l.lost.Swap(0)})
}

func (l *Actor) emit(m happened) {
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

// publish hands an event to the topic.
func (l *Actor) publish(news *protocol.Lifecycle, text []byte) {
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
	l.waiting = append(l.waiting, l.host.Append(ev))
}

// sweep checks the outcomes of the events that went to the topic, and counts those that the topic refused.
func (l *Actor) sweep() {
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
func (l *Actor) lose(before uint64, reason protocol.Reason) {
	if reason == protocol.Internal {
		l.count(stats.Failure)
		return
	}
	l.lost.Add(before + 1)
	l.count(stats.Mailbox)
}

// count counts a loss, and logs losses once a minute at most.
func (l *Actor) count(to stats.Cause) {
	if events := l.stats.Lost(to, l.host.Wheel.Since(time.Now())); events > 0 {
		l.host.Log.Warn("lifecycle events were lost; their numbers are missing",
			"tenant", l.host.Tenant, "lost_in", to.String(), "events", events)
	}
}
