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
	Grant    *grant.Grant     // whose it is subscribed by; nil is the connection's own
	Wanted   bool             // it is subscribed to
	attached bool
}

// interest is what a connection wants of one attached topic. It is never changed; the zero interest wants everything.
// Subscribers whose interests have equal keys share their frames.
type Filters struct {
	key           string
	subscriptions []Subscription
	view          protocol.Projection // without rules: what is left of every event
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
var everything = &Filters{}

// viewing is the interest in a view of everything.
func FiltersForView(v protocol.Projection) *Filters {
	if v == protocol.All {
		return everything
	}
	return &Filters{key: string(v), view: v}
}

func byTopic(s Subscription, topic string) int { return strings.Compare(s.Topic, topic) }

// add notes a subscription and returns what has to be told.
func (s *Subscriptions) Add(topic string, f protocol.Filter, g *grant.Grant) []Change {
	i, known := slices.BinarySearchFunc(*s, topic, byTopic)
	if !known {
		*s = slices.Insert(*s, i, Subscription{Topic: topic})
	}
	sub := &(*s)[i]
	sub.Filter, sub.Wanted, sub.Grant = nil, true, g
	if f.Where != nil || f.View != protocol.All || f.Every != 0 {
		sub.Filter = &f
	}
	sub.attached = sub.attached || !s.Covered(topic)
	return s.changes(topic)
}

// remove drops a subscription, with below also those to topics under it, and returns what has to be told.
func (s *Subscriptions) Remove(topic string, below bool) []Change {
	removed := false
	s.around(topic, func(sub *Subscription) {
		if sub.Wanted && (sub.Topic == topic || below && protocol.Under(sub.Topic, topic)) {
			sub.Wanted, removed = false, true
		}
	})
	if !removed {
		return nil
	}
	return s.changes(topic)
}

// around calls do for the topics above, at and below topic: those that share events with it.
func (s Subscriptions) around(topic string, do func(*Subscription)) {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(s, up, byTopic); ok {
			do(&s[i])
		}
	}
	below := topic + "/"
	i, _ := slices.BinarySearchFunc(s, below, byTopic)
	for ; i < len(s) && strings.HasPrefix(s[i].Topic, below); i++ {
		do(&s[i])
	}
}

// covered reports whether an attached topic is responsible for topic's own events.
func (s Subscriptions) Covered(topic string) bool {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(s, up, byTopic); ok && s[i].attached {
			return true
		}
	}
	return false
}

// changes tells every attached topic above, at or below topic what it is to know now, the deepest first: so a topic
// takes over a filter before another one lets go of it.
func (s *Subscriptions) changes(topic string) []Change {
	var all []Change
	idle := false
	s.around(topic, func(sub *Subscription) {
		if sub.attached {
			all = append(all, Change{Topic: sub.Topic, Filters: s.FiltersAt(sub.Topic)})
		}
		idle = idle || !sub.Wanted
	})
	for _, ch := range all {
		if ch.Filters == nil {
			i, _ := slices.BinarySearchFunc(*s, ch.Topic, byTopic)
			(*s)[i].attached = false
		}
	}
	if idle {
		*s = slices.DeleteFunc(*s, func(sub Subscription) bool { return !sub.Wanted && !sub.attached })
	}
	slices.SortFunc(all, func(a, b Change) int { return len(b.Topic) - len(a.Topic) })
	return all
}

// of returns the interest at an attached topic, nil if no subscription relies on it. One to all of the topic makes those
// below it idle: they choose nothing that it does not.
func (s Subscriptions) FiltersAt(at string) *Filters {
	f := &Filters{}
	all := false
	s.around(at, func(sub *Subscription) {
		if sub.Wanted && sub.Filter == nil && protocol.Under(at, sub.Topic) && !all {
			f.subscriptions, all = append(f.subscriptions[:0], *sub), true
		} else if sub.Wanted && !all {
			f.subscriptions = append(f.subscriptions, *sub)
		}
		if sub.attached && len(sub.Topic) > len(at) {
			f.except = append(f.except, sub.Topic)
		}
	})
	if f.subscriptions == nil {
		return nil
	}
	if all && f.except == nil {
		return everything
	}
	f.key = f.makeKey(at)
	return f
}

func (f *Filters) makeKey(at string) string {
	if len(f.subscriptions) == 1 && f.except == nil && f.subscriptions[0].Topic == at {
		return f.subscriptions[0].key()
	}
	var b strings.Builder
	for _, s := range f.subscriptions {
		b.WriteString("\x04" + s.Topic + "\x05" + s.key())
	}
	for _, e := range f.except {
		b.WriteString("\x06" + e)
	}
	return b.String()
}

// choose reports whether the event is wanted, what is left of it, and how often at most.
func (f *Filters) Select(ev *protocol.Event) (view protocol.Projection, every time.Duration, ok bool) {
	if f.subscriptions == nil {
		return f.view, 0, true
	}
	for _, topic := range f.except {
		if protocol.Under(ev.Topic, topic) {
			return "", 0, false
		}
	}
	for i := range f.subscriptions {
		s := &f.subscriptions[i]
		if !protocol.Under(ev.Topic, s.Topic) {
			continue
		}
		v, hit, often := s.apply(ev)
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
func (s *Subscription) apply(ev *protocol.Event) (view protocol.Projection, ok bool, every time.Duration) {
	if s.Filter == nil {
		return protocol.All, true, 0
	}
	view, ok = s.Filter.Select(ev)
	return view, ok, s.Filter.Every
}

func (s *Subscription) key() string {
	if s.Filter == nil {
		return ""
	}
	return s.Filter.Key()
}

// find is the topic's subscription, if there is one.
func (s Subscriptions) Find(topic string) (Subscription, bool) {
	i, ok := slices.BinarySearchFunc(s, topic, byTopic)
	if !ok || !s[i].Wanted {
		return Subscription{}, false
	}
	return s[i], true
}

// wanted are the topics that are subscribed to, sorted.
func (s Subscriptions) Wanted() []string {
	return s.topics(func(sub *Subscription) bool { return sub.Wanted })
}

// count is how many topics are subscribed to.
func (s Subscriptions) Count() (n int) {
	for i := range s {
		if s[i].Wanted {
			n++
		}
	}
	return n
}

// attached are the topics that are attached to, sorted.
func (s Subscriptions) Attached() []string {
	return s.topics(func(sub *Subscription) bool { return sub.attached })
}

func (s Subscriptions) topics(fit func(*Subscription) bool) (all []string) {
	for i := range s {
		if fit(&s[i]) {
			all = append(all, s[i].Topic)
		}
	}
	return all
}
