package actors

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// interests are all that one connection wants, and where it is attached for it.
//
// An event of telemetry/7 is heard by the topics telemetry/7 and telemetry. So that a connection that wants both gets
// it once, exactly one attached topic is responsible for an event: the deepest one at or above the event's own. That
// topic applies all the connection's filters that match the event. A topic is attached only if none above it was, so
// that the usual case is one subscription, one attachment; and an attached topic stays attached as long as any
// subscription relies on it, so that no change of subscriptions loses or repeats an event of another one.
type interests struct {
	wanted   []rule   // sorted by topic
	attached []string // sorted
}

// rule is one subscription.
type rule struct {
	topic  string
	filter protocol.Filter
	// lent says that it goes by somebody else's right than the connection's.
	lent bool
}

// interest is what a connection wants of one attached topic. It is never changed; the zero interest wants everything.
// Subscribers whose interests have equal keys share their frames.
type interest struct {
	key    string
	rules  []rule
	view   protocol.View // without rules: what is left of every event
	except []string      // attached topics below, which are responsible for their own events
}

// change is what has to be told to a topic; a nil interest detaches.
type change struct {
	topic    string
	interest *interest
}

func byTopic(r rule, topic string) int { return strings.Compare(r.topic, topic) }

// add notes a subscription and returns what has to be told.
func (in *interests) add(topic string, f protocol.Filter, lent bool) []change {
	i, known := slices.BinarySearchFunc(in.wanted, topic, byTopic)
	if known {
		in.wanted[i].filter, in.wanted[i].lent = f, lent
	} else {
		in.wanted = slices.Insert(in.wanted, i, rule{topic, f, lent})
	}
	if !in.covered(topic) {
		at, _ := slices.BinarySearch(in.attached, topic)
		in.attached = slices.Insert(in.attached, at, topic)
	}
	return in.changes(topic)
}

// remove drops a subscription, with below also those to topics under it, and returns what has to be told.
func (in *interests) remove(topic string, below bool) []change {
	before := len(in.wanted)
	in.wanted = slices.DeleteFunc(in.wanted, func(r rule) bool {
		return r.topic == topic || below && protocol.Under(r.topic, topic)
	})
	if len(in.wanted) == before {
		return nil
	}
	return in.changes(topic)
}

// covered reports whether an attached topic is responsible for topic's own events.
func (in *interests) covered(topic string) bool {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if _, ok := slices.BinarySearch(in.attached, up); ok {
			return true
		}
	}
	return false
}

// changes tells every attached topic above, at or below topic what it is to know now, the deepest first: so a topic
// takes over a filter before another one lets go of it.
func (in *interests) changes(topic string) []change {
	var all []change
	kept := in.attached[:0:0]
	for _, at := range in.attached {
		if !protocol.Under(at, topic) && !protocol.Under(topic, at) {
			kept = append(kept, at)
			continue
		}
		now := in.of(at)
		if now != nil {
			kept = append(kept, at)
		}
		all = append(all, change{at, now})
	}
	in.attached = kept
	slices.SortFunc(all, func(a, b change) int { return len(b.topic) - len(a.topic) })
	return all
}

// of returns the interest at an attached topic, nil if no subscription relies on it.
func (in *interests) of(at string) *interest {
	it := &interest{}
	for _, r := range in.wanted {
		if protocol.Under(r.topic, at) || protocol.Under(at, r.topic) {
			it.rules = append(it.rules, r)
		}
	}
	if it.rules == nil {
		return nil
	}
	for _, other := range in.attached {
		if other != at && protocol.Under(other, at) {
			it.except = append(it.except, other)
		}
	}
	it.key = it.name(at)
	return it
}

func (it *interest) name(at string) string {
	if len(it.rules) == 1 && it.except == nil && it.rules[0].topic == at {
		return it.rules[0].filter.Key()
	}
	var b strings.Builder
	for _, r := range it.rules {
		b.WriteString("\x04" + r.topic + "\x05" + r.filter.Key())
	}
	for _, e := range it.except {
		b.WriteString("\x06" + e)
	}
	return b.String()
}

// choose reports whether the event is wanted, what is left of it, and how often at most.
func (it *interest) choose(ev *protocol.Event) (view protocol.View, every time.Duration, ok bool) {
	if it.rules == nil {
		return it.view, 0, true
	}
	for _, e := range it.except {
		if protocol.Under(ev.Topic, e) {
			return "", 0, false
		}
	}
	for i := range it.rules {
		r := &it.rules[i]
		if !protocol.Under(ev.Topic, r.topic) {
			continue
		}
		v, hit := r.filter.Select(ev)
		switch {
		case !hit:
			continue
		case !ok:
			view, every, ok = v, r.filter.Every, true
		default:
			view, every = view.Union(v), min(every, r.filter.Every)
		}
	}
	return view, every, ok
}

// find is the topic's subscription, if there is one.
func (in *interests) find(topic string) (rule, bool) {
	i, ok := slices.BinarySearchFunc(in.wanted, topic, byTopic)
	if !ok {
		return rule{}, false
	}
	return in.wanted[i], true
}

// wants reports whether the topic itself is subscribed to.
func (in *interests) wants(topic string) bool {
	_, ok := slices.BinarySearchFunc(in.wanted, topic, byTopic)
	return ok
}
