package actors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// tree are the topics of the random models: three levels, names that are prefixes of each other.
var tree = []string{"a", "a/b", "a/b/c", "a/b/d", "a/bb", "a/bb/c", "b", "b/a"}

// someFilter is one of the filters of the random models.
func someFilter(rng *rand.Rand) protocol.Filter {
	f := protocol.Filter{Exact: rng.IntN(4) == 0}
	if rng.IntN(4) == 0 {
		f.Label = fmt.Sprint("label ", rng.IntN(3))
	}
	switch rng.IntN(5) {
	case 0:
		f.Where = []protocol.Condition{{Attribute: "device_id", In: []string{"1", "2"}}}
	case 1:
		f.Where = []protocol.Condition{{Attribute: "device_id", In: []string{"2", "3"}}}
	case 2:
		f.View = protocol.Project([]string{"temp"})
	case 3:
		f.View = protocol.Project([]string{"temp", "hum"})
		f.Where = []protocol.Condition{{Attribute: "device_id", In: []string{"1"}}}
	}
	return f
}

// model is what one connection subscribed to.
type model map[string]protocol.Filter

// wants is what the connection is to get of an event: the union of the projections of its matching subscriptions, with
// the label of the deepest one that has a label.
func (m model) wants(ev *protocol.Event) (view protocol.Projection, label string, ok bool) {
	deepest := ""
	for topic, f := range m {
		if !protocol.Under(ev.Topic, topic) || f.Exact && topic != ev.Topic {
			continue
		}
		v, hit := f.Select(ev)
		if hit && f.Label != "" && len(topic) > len(deepest) {
			deepest, label = topic, f.Label
		}
		switch {
		case !hit:
		case !ok:
			view, ok = v, true
		default:
			view = view.Union(v)
		}
	}
	return view, label, ok
}

// step makes one random change and tells do of it.
func (m model) step(rng *rand.Rand, do func(protocol.Command)) {
	topic := tree[rng.IntN(len(tree))]
	if rng.IntN(5) < 3 {
		f := someFilter(rng)
		m[topic] = f
		do(protocol.Subscribe{Topic: topic, Filter: f})
		return
	}
	below := rng.IntN(2) == 0
	delete(m, topic)
	for other := range m {
		if below && protocol.Under(other, topic) {
			delete(m, other)
		}
	}
	do(protocol.Unsubscribe{Topic: topic, Below: below})
}

// randomMetrics is an event of a random device on a random topic with random metrics.
func randomMetrics(t testing.TB, rng *rand.Rand, topic string, number int) *protocol.Event {
	parts := []string{fmt.Sprintf(`"n":%d`, number), `"temp":1`, `"hum":2`}
	rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return metrics(t, fmt.Sprint(1+rng.IntN(3)), strings.Join(parts[:1+rng.IntN(3)], ",")).At(topic)
}

// Once, as fanout/subscriptions.go promises it, without actors: whatever was subscribed to and unsubscribed from,
// exactly one attached topic selects an event that is wanted, and projects the union; none selects another event.
func TestSubscriptions_SelectTheUnionOfWhatMatchesExactlyOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		m, in := model{}, fanout.Subscriptions{}
		attached := map[string]*fanout.Filters{}
		for range 20 {
			m.step(rng, func(cmd protocol.Command) {
				var changes []fanout.Change
				switch cmd := cmd.(type) {
				case protocol.Subscribe:
					changes = in.Add(cmd.Topic, cmd.Filter, nil)
				case protocol.Unsubscribe:
					changes = in.Remove(cmd.Topic, cmd.Below)
				}
				for _, ch := range changes {
					if ch.Filters == nil {
						delete(attached, ch.Topic)
					} else {
						attached[ch.Topic] = ch.Filters
					}
				}
			})
			if topics := slices.Sorted(mapsKeys(attached)); !slices.Equal(topics, in.Attached()) {
				t.Fatalf("round %d: attached to %v, noted as attached %v", round, topics, in.Attached())
			}
			ev := randomMetrics(t, rng, tree[rng.IntN(len(tree))], round)
			wantView, label, want := m.wants(ev)
			hits := 0
			for up := ev.Topic; up != ""; up = protocol.Parent(up) {
				if it := attached[up]; it != nil {
					if s, ok := it.Select(ev); ok {
						hits++
						if string(inWords(ev, s.View)) != string(inWords(ev, wantView)) || s.Label != label {
							t.Fatalf("round %d: %s is projected to %q for %q, want %q for %q", round, ev.Topic,
								s.View, s.Label, wantView, label)
						}
					}
				}
			}
			if want && hits != 1 || !want && hits != 0 {
				t.Fatalf("round %d: an event of %s was selected %d times, wanted: %v, by %v", round, ev.Topic, hits,
					want, m)
			}
		}
		if in.Remove("a", true); len(m) == 0 && len(in) != 0 {
			t.Fatalf("attached to %v for nothing", in)
		}
	}
}

func mapsKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// The same through a node, with twelve connections.
func TestSubscriptions_ANodeDeliversTheUnionOfWhatMatchesExactlyOnce(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		rng := rand.New(rand.NewPCG(3, 4))
		const clients = 12
		var all [clients]*client
		var models [clients]model
		for i := range all {
			all[i], models[i] = enter(t, n, words, someone(fmt.Sprint(i%3))), model{}
		}
		for round := range 300 {
			i := rng.IntN(clients)
			models[i].step(rng, func(cmd protocol.Command) {
				if out := all[i].do(cmd); out[0].Err != nil {
					t.Fatal(out[0].Err)
				}
			})
			ev := randomMetrics(t, rng, tree[rng.IntN(len(tree))], round)
			r := mustPublish(t, n, ev.Topic, ev)
			synctest.Wait()
			delivered := 0
			for i, c := range all {
				var want []string
				if view, label, ok := models[i].wants(ev); ok {
					want = []string{label + string(inWords(ev, view))}
					delivered++
				}
				if got := c.heard(); !slices.Equal(got, want) {
					t.Fatalf("round %d: connection %d with %v heard %q of %s, want %q", round, i, models[i], got,
						ev.Topic, want)
				}
				c.forget()
			}
			if r.Delivered != delivered {
				t.Fatalf("round %d: the answer says %d, it were %d", round, r.Delivered, delivered)
			}
		}
	})
}
