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
//
// They are in one list, sorted by topic.
type interests []rule

// rule is a topic that a connection subscribed to, or is attached to, or both.
type rule struct {
	topic    string
	filter   *protocol.Filter // nil wants everything
	right    *right           // whose it is subscribed by; nil is the connection's own
	wanted   bool             // it is subscribed to
	attached bool
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
	since    protocol.Position  // where to resume, zero for from now on
	at       *protocol.Position // where to note where the topic stood, nil for nowhere
}

// whole is the interest in everything. Nearly all connections have it, so it is one for all.
var whole = &interest{}

// viewing is the interest in a view of everything.
func viewing(v protocol.View) *interest {
	if v == protocol.Whole {
		return whole
	}
	return &interest{key: string(v), view: v}
}

func byTopic(r rule, topic string) int { return strings.Compare(r.topic, topic) }

// add notes a subscription and returns what has to be told.
func (in *interests) add(topic string, f protocol.Filter, by *right) []change {
	i, known := slices.BinarySearchFunc(*in, topic, byTopic)
	if !known {
		*in = slices.Insert(*in, i, rule{topic: topic})
	}
	r := &(*in)[i]
	r.filter, r.wanted, r.right = nil, true, by
	if f.Where != nil || f.View != protocol.Whole || f.Every != 0 {
		r.filter = &f
	}
	r.attached = r.attached || !in.covered(topic)
	return in.changes(topic)
}

// remove drops a subscription, with below also those to topics under it, and returns what has to be told.
func (in *interests) remove(topic string, below bool) []change {
	removed := false
	in.around(topic, func(r *rule) {
		if r.wanted && (r.topic == topic || below && protocol.Under(r.topic, topic)) {
			r.wanted, removed = false, true
		}
	})
	if !removed {
		return nil
	}
	return in.changes(topic)
}

// around calls do for the topics above, at and below topic: those that share events with it.
func (in interests) around(topic string, do func(*rule)) {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(in, up, byTopic); ok {
			do(&in[i])
		}
	}
	below := topic + "/"
	i, _ := slices.BinarySearchFunc(in, below, byTopic)
	for ; i < len(in) && strings.HasPrefix(in[i].topic, below); i++ {
		do(&in[i])
	}
}

// covered reports whether an attached topic is responsible for topic's own events.
func (in interests) covered(topic string) bool {
	for up := topic; up != ""; up = protocol.Parent(up) {
		if i, ok := slices.BinarySearchFunc(in, up, byTopic); ok && in[i].attached {
			return true
		}
	}
	return false
}

// changes tells every attached topic above, at or below topic what it is to know now, the deepest first: so a topic
// takes over a filter before another one lets go of it.
func (in *interests) changes(topic string) []change {
	var all []change
	idle := false
	in.around(topic, func(r *rule) {
		if r.attached {
			all = append(all, change{topic: r.topic, interest: in.of(r.topic)})
		}
		idle = idle || !r.wanted
	})
	for _, ch := range all {
		if ch.interest == nil {
			i, _ := slices.BinarySearchFunc(*in, ch.topic, byTopic)
			(*in)[i].attached = false
		}
	}
	if idle {
		*in = slices.DeleteFunc(*in, func(r rule) bool { return !r.wanted && !r.attached })
	}
	slices.SortFunc(all, func(a, b change) int { return len(b.topic) - len(a.topic) })
	return all
}

// of returns the interest at an attached topic, nil if no subscription relies on it. One to all of the topic makes those
// below it idle: they choose nothing that it does not.
func (in interests) of(at string) *interest {
	it := &interest{}
	all := false
	in.around(at, func(r *rule) {
		if r.wanted && r.filter == nil && protocol.Under(at, r.topic) && !all {
			it.rules, all = append(it.rules[:0], *r), true
		} else if r.wanted && !all {
			it.rules = append(it.rules, *r)
		}
		if r.attached && len(r.topic) > len(at) {
			it.except = append(it.except, r.topic)
		}
	})
	if it.rules == nil {
		return nil
	}
	if all && it.except == nil {
		return whole
	}
	it.key = it.name(at)
	return it
}

func (it *interest) name(at string) string {
	if len(it.rules) == 1 && it.except == nil && it.rules[0].topic == at {
		return it.rules[0].key()
	}
	var b strings.Builder
	for _, r := range it.rules {
		b.WriteString("\x04" + r.topic + "\x05" + r.key())
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
func (r *rule) choose(ev *protocol.Event) (view protocol.View, ok bool, every time.Duration) {
	if r.filter == nil {
		return protocol.Whole, true, 0
	}
	view, ok = r.filter.Select(ev)
	return view, ok, r.filter.Every
}

func (r *rule) key() string {
	if r.filter == nil {
		return ""
	}
	return r.filter.Key()
}

// find is the topic's subscription, if there is one.
func (in interests) find(topic string) (rule, bool) {
	i, ok := slices.BinarySearchFunc(in, topic, byTopic)
	if !ok || !in[i].wanted {
		return rule{}, false
	}
	return in[i], true
}

// wanted are the topics that are subscribed to, sorted.
func (in interests) wanted() []string { return in.topics(func(r *rule) bool { return r.wanted }) }

// count is how many topics are subscribed to.
func (in interests) count() (n int) {
	for i := range in {
		if in[i].wanted {
			n++
		}
	}
	return n
}

// attached are the topics that are attached to, sorted.
func (in interests) attached() []string { return in.topics(func(r *rule) bool { return r.attached }) }

func (in interests) topics(fit func(*rule) bool) (all []string) {
	for i := range in {
		if fit(&in[i]) {
			all = append(all, in[i].topic)
		}
	}
	return all
}
