package fanout

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// interests are all that one connection wants, and where it is attached for it.
//
// An event of telemetry/7 is heard by the topics telemetry/7 and telemetry. So that a connection that wants both gets
// it once, exactly one attached topic is responsible for an event: the deepest one at or above the event's own. That
// topic applies all the connection's filters that match the event. A topic is attached only if none above it was, so
// that the usual case is one subscription, one attachment; and an attached topic stays attached as long as any
// subscription relies on it, so that no change of subscriptions loses or repeats an event of another one.
//
// They are in one list, sorted by topic.
type Subscriptions []Subscription

// rule is a topic that a connection subscribed to, or is attached to, or both.
type Subscription struct {
	Topic    string
	Filter   *protocol.Filter // nil wants everything
	Right    *grant.Grant     // whose it is subscribed by; nil is the connection's own
	Wanted   bool             // it is subscribed to
	attached bool
}

// interest is what a connection wants of one attached topic. It is never changed; the zero interest wants everything.
// Subscribers whose interests have equal keys share their frames.
type Filters struct {
	key           string
	subscriptions []Subscription
	projection    protocol.Projection // without rules: what is left of every event
	except        []string            // attached topics below, which are responsible for their own events
}

// change is what has to be told to a topic; a nil interest detaches.
type Change struct {
	Topic   string
	Filters *Filters
	Since   protocol.Position  // where to resume, zero for from now on
	At      *protocol.Position // where to note where the topic stood, nil for nowhere
}

// whole is the interest in everything. Nearly all connections have it, so it is one for all.
var Everything = &Filters{}

// viewing is the interest in a view of everything.
func Projecting(v protocol.Projection) *Filters {
	if v == protocol.All {
		return Everything
	}
	return &Filters{key: string(v), projection: v}
}

func byTopic(r Subscription, topic string) int { return strings.Compare(r.Topic, topic) }

// add notes a subscription and returns what has to be told.
func (in *Subscriptions) Add(topic string, f protocol.Filter, by *grant.Grant) []Change {
	i, known := slices.BinarySearchFunc(*in, topic, byTopic)
	if !known {
		*in = slices.Insert(*in, i, Subscription{Topic: topic})
	}
	r := &(*in)[i]
	r.Filter, r.Wanted, r.Right = nil, true, by
	if f.Where != nil || f.View != protocol.All || f.Every != 0 {
		r.Filter = &f
	}
	r.attached = r.attached || !in.Covered(topic)
	return in.changes(topic)
}

// remove drops a subscription, with below also those to topics under it, and returns what has to be told.
func (in *Subscriptions) Remove(topic string, below bool) []Change {
	removed := false
	in.around(topic, func(r *Subscription) {
		if r.Wanted && (r.Topic == topic || below && protocol.Under(r.Topic, topic)) {
			r.Wanted, removed = false, true
		}
	})
	if !removed {
		return nil
	}
	return in.changes(topic)
}

// around calls do for the topics above, at and below topic: those that share events with it.
func (in Subscriptions) around(topic string, do func(*Subscription)) {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(in, up, byTopic); ok {
			do(&in[i])
		}
	}
	below := topic + "/"
	i, _ := slices.BinarySearchFunc(in, below, byTopic)
	for ; i < len(in) && strings.HasPrefix(in[i].Topic, below); i++ {
		do(&in[i])
	}
}

// covered reports whether an attached topic is responsible for topic's own events.
func (in Subscriptions) Covered(topic string) bool {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(in, up, byTopic); ok && in[i].attached {
			return true
		}
	}
	return false
}

// changes tells every attached topic above, at or below topic what it is to know now, the deepest first: so a topic
// takes over a filter before another one lets go of it.
func (in *Subscriptions) changes(topic string) []Change {
	var all []Change
	idle := false
	in.around(topic, func(r *Subscription) {
		if r.attached {
			all = append(all, Change{Topic: r.Topic, Filters: in.FiltersAt(r.Topic)})
		}
		idle = idle || !r.Wanted
	})
	for _, ch := range all {
		if ch.Filters == nil {
			i, _ := slices.BinarySearchFunc(*in, ch.Topic, byTopic)
			(*in)[i].attached = false
		}
	}
	if idle {
		*in = slices.DeleteFunc(*in, func(r Subscription) bool { return !r.Wanted && !r.attached })
	}
	slices.SortFunc(all, func(a, b Change) int { return len(b.Topic) - len(a.Topic) })
	return all
}

// of returns the interest at an attached topic, nil if no subscription relies on it. One to all of the topic makes those
// below it idle: they choose nothing that it does not.
func (in Subscriptions) FiltersAt(at string) *Filters {
	it := &Filters{}
	all := false
	in.around(at, func(r *Subscription) {
		if r.Wanted && r.Filter == nil && protocol.Under(at, r.Topic) && !all {
			it.subscriptions, all = append(it.subscriptions[:0], *r), true
		} else if r.Wanted && !all {
			it.subscriptions = append(it.subscriptions, *r)
		}
		if r.attached && len(r.Topic) > len(at) {
			it.except = append(it.except, r.Topic)
		}
	})
	if it.subscriptions == nil {
		return nil
	}
	if all && it.except == nil {
		return Everything
	}
	it.key = it.name(at)
	return it
}

func (it *Filters) name(at string) string {
	if len(it.subscriptions) == 1 && it.except == nil && it.subscriptions[0].Topic == at {
		return it.subscriptions[0].key()
	}
	var b strings.Builder
	for _, r := range it.subscriptions {
		b.WriteString("\x04" + r.Topic + "\x05" + r.key())
	}
	for _, e := range it.except {
		b.WriteString("\x06" + e)
	}
	return b.String()
}

// choose reports whether the event is wanted, what is left of it, and how often at most.
func (it *Filters) Select(ev *protocol.Event) (view protocol.Projection, every time.Duration, ok bool) {
	if it.subscriptions == nil {
		return it.projection, 0, true
	}
	for _, e := range it.except {
		if protocol.Under(ev.Topic, e) {
			return "", 0, false
		}
	}
	for i := range it.subscriptions {
		r := &it.subscriptions[i]
		if !protocol.Under(ev.Topic, r.Topic) {
			continue
		}
		v, hit, often := r.choose(ev)
		switch {
		case !hit:
			continue
		case !ok:
			view, every, ok = v, often, true
		default:
			view, every = view.Union(v), min(every, often)
		}
	}
	return view, every, ok
}

// choose is choose of one subscription.
func (r *Subscription) choose(ev *protocol.Event) (view protocol.Projection, ok bool, every time.Duration) {
	if r.Filter == nil {
		return protocol.All, true, 0
	}
	view, ok = r.Filter.Select(ev)
	return view, ok, r.Filter.Every
}

func (r *Subscription) key() string {
	if r.Filter == nil {
		return ""
	}
	return r.Filter.Key()
}

// find is the topic's subscription, if there is one.
func (in Subscriptions) Find(topic string) (Subscription, bool) {
	i, ok := slices.BinarySearchFunc(in, topic, byTopic)
	if !ok || !in[i].Wanted {
		return Subscription{}, false
	}
	return in[i], true
}

// wanted are the topics that are subscribed to, sorted.
func (in Subscriptions) Wanted() []string {
	return in.topics(func(r *Subscription) bool { return r.Wanted })
}

// count is how many topics are subscribed to.
func (in Subscriptions) Count() (n int) {
	for i := range in {
		if in[i].Wanted {
			n++
		}
	}
	return n
}

// attached are the topics that are attached to, sorted.
func (in Subscriptions) Attached() []string {
	return in.topics(func(r *Subscription) bool { return r.attached })
}

func (in Subscriptions) topics(fit func(*Subscription) bool) (all []string) {
	for i := range in {
		if fit(&in[i]) {
			all = append(all, in[i].Topic)
		}
	}
	return all
}
