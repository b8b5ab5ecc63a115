package fanout

import (
	"slices"
	"strings"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// Subscription is a topic to which a connection subscribed, or is attached, or both.
type Subscription struct {
	Topic    string
	Filter   *protocol.Filter // nil wants everything
	Grant    *grant.Grant     // by which the client subscribed; nil is the connection's own identity
	Wanted   bool             // the client subscribed to the topic
	attached bool             // the topic has the connection among its subscribers
}

// apply is Filters.Select of one subscription, for an event at or under its topic.
func (s *Subscription) apply(ev *protocol.Event) (Selection, bool) {
	f := s.Filter
	if f == nil {
		return Selection{}, !isMember(ev)
	}
	if (f.Exact || f.Members && isMember(ev)) && len(ev.Topic) != len(s.Topic) {
		return Selection{}, false
	}
	view, ok := f.Select(ev)
	return Selection{View: view, Label: f.Label, withPosition: f.WithPosition, every: f.Every}, ok
}

// exact reports whether the subscription wants the events of its topic alone.
func (s *Subscription) exact() bool { return s.Filter != nil && s.Filter.Exact }

// marked reports whether Encode is told something of the subscription, beside the projection.
func (s *Subscription) marked() bool {
	return s.Filter != nil && (s.Filter.WithPosition || s.Filter.Label != "" || s.Filter.Members)
}

// isMember reports whether an event is about a member of its topic.
func isMember(ev *protocol.Event) bool {
	return ev.Kind == protocol.MemberJoined || ev.Kind == protocol.MemberLeft
}

// key is equal for subscriptions that filter alike.
func (s *Subscription) key() string {
	if s.Filter == nil {
		return ""
	}
	return s.Filter.Key()
}

// byTopic orders subscriptions by topic.
func byTopic(s Subscription, topic string) int { return strings.Compare(s.Topic, topic) }

// Change is what the connection has to tell a topic.
type Change struct {
	Topic   string
	Filters *Filters // nil detaches
}

// Subscriptions are those of one connection, sorted by topic, and the topics to which it is attached for them. They
// belong to the connection's actor.
//
// An event of telemetry/7 is delivered by the topics telemetry/7 and telemetry. So that a connection that wants both
// gets it once, exactly one attached topic is responsible for an event: the deepest one at or above the event's own
// that is not attached for an exact subscription alone.
// That topic applies all the connection's filters that match the event. A topic is attached only if none above it was,
// so that the usual case is one subscription, one attachment; and an attached topic stays attached as long as any
// subscription relies on it, so that no change of subscriptions loses or repeats an event of another one.
type Subscriptions []Subscription

// Add adds a subscription, or gives it another filter and grant. It returns the changes to tell topics, in this order.
func (s *Subscriptions) Add(topic string, f protocol.Filter, g *grant.Grant) []Change {
	covered := s.Covered(topic)
	i, known := slices.BinarySearchFunc(*s, topic, byTopic)
	if !known {
		*s = slices.Insert(*s, i, Subscription{Topic: topic})
	}
	sub := &(*s)[i]
	sub.Filter, sub.Wanted, sub.Grant = nil, true, g
	if !f.IsZero() {
		sub.Filter = shared(&f)
	}
	sub.attached = sub.attached || !covered
	return s.changes(topic)
}

// Remove drops a subscription, with below also those to topics under it, and returns the changes to tell topics, in
// this order; none if there was no such subscription.
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

// around calls do for the subscriptions above, at and below topic: those that share events with it.
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

// shared returns a filter that may be kept. It is the same for all connections if it is one that a dialect asks for
// with each subscription.
func shared(f *protocol.Filter) *protocol.Filter {
	if f.Exact && f.Where == nil && f.View == protocol.All && f.Every == 0 && f.Label == "" && f.Member == nil &&
		!f.Members {
		if f.WithPosition {
			return exactWithPosition
		}
		return exact
	}
	kept := *f
	return &kept
}

var (
	exact             = &protocol.Filter{Exact: true}
	exactWithPosition = &protocol.Filter{Exact: true, WithPosition: true}
)

// Covered reports whether an attached topic is responsible for topic's own events. One on which only an exact
// subscription relies is responsible for none below it.
func (s Subscriptions) Covered(topic string) bool {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(s, up, byTopic); ok && s[i].attached &&
			(up == topic || !s.FiltersAt(up).exactly(up)) {
			return true
		}
	}
	return false
}

// changes returns the filters for every attached topic above, at or below topic, the deepest first, so that a topic
// takes over a filter before another one drops it. It detaches topics on which no subscription relies.
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

// FiltersAt returns the filters for an attached topic, nil if no subscription relies on it. A subscription to the whole
// topic makes those below it redundant, if Encode is not told of them: they select nothing that it does not.
func (s Subscriptions) FiltersAt(at string) *Filters {
	f := &Filters{}
	all := false
	s.around(at, func(sub *Subscription) {
		below := len(sub.Topic) > len(at)
		if sub.attached && below {
			f.except = append(f.except, sub.Topic)
		}
		switch {
		case !sub.Wanted || sub.exact() && len(sub.Topic) < len(at) || below && f.excepts(sub.Topic):
		case sub.Filter == nil && !below && !all:
			all = true
			f.subscriptions = slices.DeleteFunc(f.subscriptions, func(s Subscription) bool { return !s.marked() })
			f.subscriptions = append(f.subscriptions, *sub)
		case !all || sub.marked():
			f.subscriptions = append(f.subscriptions, *sub)
		}
	})
	switch {
	case len(f.subscriptions) == 0:
		return nil
	case f.exactly(at):
		f.except = nil // they are of topics whose events it does not want
	case all && len(f.subscriptions) == 1 && f.except == nil:
		return everything
	}
	f.key = f.makeKey(at)
	return f
}

// Find returns the subscription to a topic, if there is one.
func (s Subscriptions) Find(topic string) (Subscription, bool) {
	i, ok := slices.BinarySearchFunc(s, topic, byTopic)
	if !ok || !s[i].Wanted {
		return Subscription{}, false
	}
	return s[i], true
}

// MemberOf returns by which member the client is present in a topic, nil for none, and the dialect's bound.
func (s Subscriptions) MemberOf(topic string) (m *protocol.Member, most int) {
	if sub, ok := s.Find(topic); ok && sub.Filter != nil {
		return sub.Filter.Member, sub.Filter.MaxMembers
	}
	return nil, 0
}

// Wanted returns the topics to which the client subscribed, sorted.
func (s Subscriptions) Wanted() []string {
	return s.topics(func(sub *Subscription) bool { return sub.Wanted })
}

// Count returns to how many topics the client subscribed.
func (s Subscriptions) Count() (n int) {
	for i := range s {
		if s[i].Wanted {
			n++
		}
	}
	return n
}

// Attached returns the topics to which the connection is attached, sorted.
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
