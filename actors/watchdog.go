package actors

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
)

// watchdog finds actors that are stuck: others wait in their mailbox, and they have been in one message for too long. It looks at all
// mailboxes from time to time; they only count their messages for it, so who works pays nothing.
type watchdog struct {
	// Static.
	node *Node
	stop chan struct{}
	done chan struct{}

	// Owned by run.
	busy map[*mailbox.Mailbox]*occupied // that had something to do when they were looked at last

	at    atomic.Pointer[string] // the tenant that is looked at
	begun atomic.Int64           // when that began, as wheel.since tells it; 0 between two rounds
	ever  [len(kinds)]atomic.Uint64

	mu    sync.Mutex
	stuck []Stuck // guarded by mu; oldest first
}

// The kinds of actors, as figures name them.
var kinds = [...]string{"tenant", "user", "topic", "connection", "lifecycle"}

const (
	ofTenant = iota
	ofUsers
	ofTopics
	ofConnections
	ofLifecycles
)

// Stuck is an actor that has been in one message for too long.
type Stuck struct {
	// Actor is its kind, Name its name or, for a connection, its id.
	Actor, Tenant, Name string
	// Message is the type of the message that it is in, For how long it has been seen in it, Waiting how many messages wait behind.
	Message string
	For     time.Duration
	Waiting int
}

// occupied is an actor in the middle of a message.
type occupied struct {
	Stuck
	kind  int
	nth   uint32 // of its messages
	since time.Time
	told  bool
	round uint64
}

const (
	// watchShare bounds what the watchdog uses of one processor: between two rounds it rests this many times as long as one took.
	watchShare = 200

	// maxStuck is how many stuck actors are told of at once; there are figures for all of them.
	maxStuck = 16
)

func (w *watchdog) start(n *Node) {
	w.node, w.stop, w.done, w.busy = n, make(chan struct{}), make(chan struct{}), map[*mailbox.Mailbox]*occupied{}
	n.AddProbe("the directories", w.through)
	go w.run()
}

// end ends run and waits for it.
func (w *watchdog) end() {
	close(w.stop)
	<-w.done
}

func (w *watchdog) run() {
	defer close(w.done)
	rest := time.NewTimer(w.node.cfg.StuckAfter / 2)
	defer rest.Stop()
	for round := uint64(1); ; round++ {
		select {
		case <-w.stop:
			return
		case <-rest.C:
		}
		began := time.Now()
		w.round(round, began)
		rest.Reset(max(w.node.cfg.StuckAfter/2, watchShare*time.Since(began)))
	}
}

// round looks at every actor of the node.
func (w *watchdog) round(round uint64, now time.Time) {
	for name, t := range w.node.tenants.all() {
		w.at.Store(&name)
		w.begun.Store(w.node.wheel.Since(time.Now()))
		w.look(round, now, ofTenant, t, name, &t.box)
		if l := t.life.Load(); l != nil {
			w.look(round, now, ofLifecycles, t, name, &l.box)
		}
		t.users.Each(func(user string, box *mailbox.Mailbox) bool { w.look(round, now, ofUsers, t, user, box); return true })
		t.topics.Each(func(topic string, box *mailbox.Mailbox) bool {
			w.look(round, now, ofTopics, t, topic, box)
			return true
		})
		t.links.each(func(l *Link) bool { w.look(round, now, ofConnections, t, "", &l.box); return true })
	}
	w.begun.Store(0)
	w.judge(round, now)
}

// look notes an actor that has something to do.
func (w *watchdog) look(round uint64, now time.Time, kind int, t *tenantCore, name string, box *mailbox.Mailbox) {
	nth, at, waiting := box.Occupation()
	if waiting == 0 {
		return
	}
	o := w.busy[box]
	if o == nil || o.nth != nth {
		if o != nil {
			w.freed(o, now)
		}
		o = &occupied{Stuck: Stuck{Actor: kinds[kind], Tenant: t.name, Name: name, Message: at}, kind: kind, nth: nth, since: now}
		w.busy[box] = o
	}
	o.round, o.Waiting, o.For = round, waiting, now.Sub(o.since)
}

// judge forgets who has gone on, and tells of those who have not for too long.
func (w *watchdog) judge(round uint64, now time.Time) {
	var stuck []Stuck
	var fresh []*mailbox.Mailbox
	for box, o := range w.busy {
		switch {
		case o.round != round:
			w.freed(o, now)
			delete(w.busy, box)
		case o.For >= w.node.cfg.StuckAfter:
			if o.Name == "" {
				o.Name = w.nameOf(box, o.Tenant)
			}
			stuck = append(stuck, o.Stuck)
			if !o.told {
				o.told = true
				w.ever[o.kind].Add(1)
				fresh = append(fresh, box)
			}
		}
	}
	slices.SortFunc(stuck, func(a, b Stuck) int { return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Name, b.Name)) })
	w.mu.Lock()
	w.stuck = stuck
	w.mu.Unlock()
	w.tell(fresh)
}

// tell logs those that were found stuck, each once, with what its goroutine does.
func (w *watchdog) tell(fresh []*mailbox.Mailbox) {
	if len(fresh) == 0 {
		return
	}
	stacks := mailbox.StacksOf(fresh[:min(len(fresh), maxStuck)])
	for i, stack := range stacks {
		o := w.busy[fresh[i]]
		w.node.log.Error("an actor is stuck", "kind", o.Actor, "tenant", o.Tenant, "name", o.Name, "at", o.Message, "for", o.For, "waiting", o.Waiting, "stack", stack)
	}
	if more := len(fresh) - len(stacks); more > 0 {
		w.node.log.Error("more actors are stuck", "count", more)
	}
}

// freed tells of an actor that was stuck and goes on.
func (w *watchdog) freed(o *occupied, now time.Time) {
	if o.told {
		w.node.log.Warn("an actor that was stuck goes on", "kind", o.Actor, "tenant", o.Tenant, "name", o.Name, "at", o.Message, "after", now.Sub(o.since))
	}
}

// nameOf is the id of a connection, which is made only for those that are stuck.
func (w *watchdog) nameOf(box *mailbox.Mailbox, tenant string) (name string) {
	if t := w.node.tenant(tenant); t != nil {
		t.links.each(func(l *Link) bool {
			if &l.box == box {
				name = l.ID()
			}
			return name == ""
		})
	}
	return name
}

// Health is what is wrong with a node, beside what Probe finds.
type Health struct {
	Pressure Pressure
	// Stuck are the actors that are stuck, the oldest first; at most maxStuck of them. Each concerns its tenant alone.
	Stuck []Stuck
	// Storage concerns durable topics alone.
	Storage Storage
}

// Health tells what is wrong.
func (n *Node) Health() Health {
	w := &n.watchdog
	h := Health{Pressure: n.watermark.pressure(), Storage: n.storage()}
	w.mu.Lock()
	h.Stuck = slices.Clone(w.stuck[:min(len(w.stuck), maxStuck)])
	w.mu.Unlock()
	return h
}

// through is a probe: it fails while there is a tenant whose actors cannot even be looked at.
func (w *watchdog) through(context.Context) error {
	if begun := w.begun.Load(); begun != 0 && time.Duration(w.node.wheel.Since(time.Now())-begun) > w.node.cfg.StuckAfter {
		return &Lost{[]string{"the directories of tenant " + *w.at.Load()}}
	}
	return nil
}

// stuckNow and stuckEver count actors that are and were stuck, by kind.
func (w *watchdog) stuckNow() map[string]int {
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

func (w *watchdog) stuckEver() map[string]uint64 {
	all := map[string]uint64{}
	for i, kind := range kinds {
		all[kind] = w.ever[i].Load()
	}
	return all
}
