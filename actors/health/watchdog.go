package health

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/timer"
)

// Watchdog finds actors that are stuck: others wait in their mailbox, and they have been in one message for too long.
// It looks at all mailboxes from time to time; they only count their messages for it, so an actor that works pays
// nothing.
type Watchdog struct {
	// Static.
	watched Watched
	after   time.Duration // how long an actor may be in one message
	log     *slog.Logger
	wheel   *timer.Wheel
	stop    chan struct{}
	done    chan struct{}

	// Owned by run.
	busy map[*mailbox.Mailbox]*occupied // had something to do when they were looked at last

	at    atomic.Pointer[string] // the tenant that is looked at
	begun atomic.Int64           // when that began, as timer.Wheel.Since tells it; 0 between two rounds
	ever  [len(kinds)]atomic.Uint64

	mu    sync.Mutex
	stuck []Stuck // guarded by mu; oldest first
}

// Watched is what a watchdog looks at.
type Watched interface {
	// EachMailbox calls tenant before each tenant and look for each of its actors. Connections have no name.
	EachMailbox(tenant func(name string), look func(kind Kind, tenant, name string, box *mailbox.Mailbox))
	// ConnectionID names the connection of a mailbox; "" if there is none any more.
	ConnectionID(tenant string, box *mailbox.Mailbox) string
}

// Kind is a kind of actor.
type Kind int

// The kinds of actors.
const (
	Tenant Kind = iota
	User
	Topic
	Connection
	Lifecycle
)

// kinds are the kinds, as figures name them.
var kinds = [...]string{"tenant", "user", "topic", "connection", "lifecycle"}

func (k Kind) String() string { return kinds[k] }

// Stuck is an actor that has been in one message for too long.
type Stuck struct {
	// Actor is its kind, Name its name or, for a connection, its id.
	Actor, Tenant, Name string
	// Message is the type of the message that it is in, For how long it has been seen in it, Waiting how many messages
	// wait behind.
	Message string
	For     time.Duration
	Waiting int
}

// occupied is an actor in the middle of a message.
type occupied struct {
	Stuck
	kind  Kind
	nth   uint32 // of its messages
	since time.Time
	told  bool // it was logged
	round uint64
}

const (
	// watchShare bounds what the watchdog uses of one processor: between two rounds it rests this many times as long as
	// one took.
	watchShare = 200

	// maxStuck is how many stuck actors are told of at once; the figures count all of them.
	maxStuck = 16
)

// StartWatchdog starts a watchdog. Stop ends it. after is how long an actor may be in one message.
func StartWatchdog(watched Watched, after time.Duration, log *slog.Logger, wheel *timer.Wheel) *Watchdog {
	w := &Watchdog{
		watched: watched, after: after, log: log, wheel: wheel,
		stop: make(chan struct{}), done: make(chan struct{}), busy: map[*mailbox.Mailbox]*occupied{},
	}
	go w.run()
	return w
}

// Stop ends the watchdog and waits for it.
func (w *Watchdog) Stop() {
	close(w.stop)
	<-w.done
}

func (w *Watchdog) run() {
	defer close(w.done)
	rest := time.NewTimer(w.after / 2)
	defer rest.Stop()
	for round := uint64(1); ; round++ {
		select {
		case <-w.stop:
			return
		case <-rest.C:
		}
		began := time.Now()
		w.round(round, began)
		rest.Reset(max(w.after/2, watchShare*time.Since(began)))
	}
}

// round looks at every actor.
func (w *Watchdog) round(round uint64, now time.Time) {
	w.watched.EachMailbox(
		func(tenant string) {
			w.at.Store(&tenant)
			w.begun.Store(w.wheel.Since(time.Now()))
		},
		func(kind Kind, tenant, name string, box *mailbox.Mailbox) {
			w.look(round, now, kind, tenant, name, box)
		},
	)
	w.begun.Store(0)
	w.judge(round, now)
}

// look notes an actor that has something to do.
func (w *Watchdog) look(round uint64, now time.Time, kind Kind, tenant, name string, box *mailbox.Mailbox) {
	nth, at, waiting := box.Occupation()
	if waiting == 0 {
		return
	}
	o := w.busy[box]
	if o == nil || o.nth != nth {
		if o != nil {
			w.freed(o, now)
		}
		stuck := Stuck{Actor: kind.String(), Tenant: tenant, Name: name, Message: at}
		o = &occupied{Stuck: stuck, kind: kind, nth: nth, since: now}
		w.busy[box] = o
	}
	o.round, o.Waiting, o.For = round, waiting, now.Sub(o.since)
}

// judge forgets the actors that went on, and logs those that have not for too long.
func (w *Watchdog) judge(round uint64, now time.Time) {
	var stuck []Stuck
	var fresh []*mailbox.Mailbox
	for box, o := range w.busy {
		switch {
		case o.round != round:
			w.freed(o, now)
			delete(w.busy, box)
		case o.For >= w.after:
			if o.Name == "" {
				o.Name = w.watched.ConnectionID(o.Tenant, box)
			}
			stuck = append(stuck, o.Stuck)
			if !o.told {
				o.told = true
				w.ever[o.kind].Add(1)
				fresh = append(fresh, box)
			}
		}
	}
	slices.SortFunc(stuck, func(a, b Stuck) int {
		return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Name, b.Name))
	})
	w.mu.Lock()
	w.stuck = stuck
	w.mu.Unlock()
	w.report(fresh)
}

// report logs the actors that were found stuck, each once, with what its goroutine does.
func (w *Watchdog) report(fresh []*mailbox.Mailbox) {
	if len(fresh) == 0 {
		return
	}
	stacks := mailbox.StacksOf(fresh[:min(len(fresh), maxStuck)])
	for i, stack := range stacks {
		o := w.busy[fresh[i]]
		w.log.Error("an actor is stuck", "kind", o.Actor, "tenant", o.Tenant, "name", o.Name,
			"at", o.Message, "for", o.For, "waiting", o.Waiting, "stack", stack)
	}
	if more := len(fresh) - len(stacks); more > 0 {
		w.log.Error("more actors are stuck", "count", more)
	}
}

// freed logs that an actor which was stuck goes on.
func (w *Watchdog) freed(o *occupied, now time.Time) {
	if o.told {
		w.log.Warn("an actor that was stuck goes on", "kind", o.Actor, "tenant", o.Tenant, "name", o.Name,
			"at", o.Message, "after", now.Sub(o.since))
	}
}

// Stuck lists the actors that are stuck, the oldest first; at most 16 of them.
func (w *Watchdog) Stuck() []Stuck {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.stuck[:min(len(w.stuck), maxStuck)])
}

// Probe fails while there is a tenant whose actors cannot even be looked at. It does not block.
func (w *Watchdog) Probe(context.Context) error {
	begun := w.begun.Load()
	if begun != 0 && time.Duration(w.wheel.Since(time.Now())-begun) > w.after {
		return &Lost{[]string{"the directories of tenant " + *w.at.Load()}}
	}
	return nil
}

// StuckByKind counts the actors that are stuck now, of each kind.
func (w *Watchdog) StuckByKind() map[string]int {
	all := map[string]int{}
	for _, kind := range kinds {
		all[kind] = 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.stuck {
		all[s.Actor]++
	}
	return all
}

// EverStuckByKind counts the actors that were found stuck so far, of each kind.
func (w *Watchdog) EverStuckByKind() map[string]uint64 {
	all := map[string]uint64{}
	for i, kind := range kinds {
		all[kind] = w.ever[i].Load()
	}
	return all
}
