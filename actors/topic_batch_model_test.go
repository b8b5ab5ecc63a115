package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// modelTopics are where the model publishes.
var modelTopics = []string{"a/x", "a/y", "a", "b", "b/z"}

// twin is one client of two nodes that do the same, one with windows. It may have had several connections.
type twin struct {
	now   [2]*client
	past  [2][]*client // earlier connections, of which the last may still hear something
	user  string
	there bool
}

// heard is what the client of a node has heard in all.
func (w *twin) heard(node int) (all []string) {
	for _, c := range append(slices.Clone(w.past[node]), w.now[node]) {
		all = append(all, c.heard()...)
	}
	return all
}

// heardOf is what of that was published to a topic. The order between topics is nobody's promise.
func (w *twin) heardOf(topic string, node int) []string {
	return slices.DeleteFunc(w.heard(node), func(said string) bool {
		return !strings.HasPrefix(said, topic+" ") && !strings.Contains(said, strconv.Quote(topic))
	})
}

// twins are the model: two nodes, and the same clients of both.
type twins struct {
	t      *testing.T
	rng    *rand.Rand
	nodes  [2]*Node
	all    []*twin
	count  int  // of events
	latest bool // windows leave events out
}

// A model test: whatever clients do, a topic with windows tells them the same in the same order as one without, and
// gives publishers the same answers. With batch_latest they hear a part of it, with the newest of each key, and what is
// left out is counted. PARLEY_SEED plays a run again.
func TestBatch_AgreesWithATopicThatHasNoWindow(t *testing.T) {
	first := uint64(time.Now().UnixNano())
	for i := range uint64(sized(6, 300)) {
		for _, latest := range []bool{false, true} {
			seed := seedOf(t, first+i)
			synctest.Test(t, func(t *testing.T) { runTwins(t, seed, latest) })
			if t.Failed() {
				t.Fatalf("PARLEY_SEED=%d", seed)
			}
		}
	}
}

func runTwins(t *testing.T, seed uint64, latest bool) {
	m := &twins{t: t, rng: rand.New(rand.NewPCG(seed, 13)), latest: latest}
	rules := policy.Rules{BatchWindow: 40 * time.Millisecond, List: []policy.Rule{
		{Pattern: "a/x", BatchLatest: latest, BatchCount: 5}, {Pattern: "b/*", BatchWindow: -1},
		{Pattern: "*", BatchLatest: latest}}}
	for i, rules := range []policy.Rules{{}, rules} {
		m.nodes[i] = New(Config{Linger: time.Hour, Timeout: 24 * time.Hour}, anyone{})
		defer m.nodes[i].Close()
		m.nodes[i].SetTenant(TenantConfig{Name: "acme", Rules: rules, Linger: time.Hour})
	}
	for i := range 8 {
		m.all = append(m.all, &twin{user: fmt.Sprint("u", i)})
	}
	for range 800 {
		m.step()
		synctest.Wait()
	}
	for _, w := range m.all {
		m.connect(w) // those that are away hear the rest
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	m.compare()
}

// step does the same thing on both nodes.
func (m *twins) step() {
	w := m.all[m.rng.IntN(len(m.all))]
	topic := modelTopics[m.rng.IntN(len(modelTopics))]
	switch choice := m.rng.IntN(100); {
	case choice < 45:
		m.publish(topic)
	case choice < 60:
		// Never until a moment at which anything is due: both nodes could go on in another order.
		time.Sleep(time.Duration(m.rng.IntN(30))*time.Millisecond + 137*time.Microsecond)
	case choice < 72:
		m.connect(w)
	case !w.there:
	case choice < 92:
		m.subscribe(w, topic)
	case choice < 95:
		m.each(w, func(_ *Node, c *client) { c.do(protocol.Unsubscribe{Topic: topic}) })
	case choice < 97:
		m.each(w, func(_ *Node, c *client) {
			c.stop(true)
			c.link.Gone(protocol.Lost)
		})
		w.there = false
	case choice < 99:
		m.each(w, func(n *Node, c *client) { n.Disconnect("acme", c.link.ID(), 4000, "test") })
		w.there = false
	default:
		for _, n := range m.nodes {
			crashTopic(n, topic)
		}
	}
}

// each does something with a client on both nodes.
func (m *twins) each(w *twin, do func(*Node, *client)) {
	m.both(func(i int, n *Node) { do(n, w.now[i]) })
}

// both does something on both nodes at the same time: either may take a while, as when a topic is to restart.
func (m *twins) both(do func(i int, n *Node)) {
	var busy sync.WaitGroup
	for i, n := range m.nodes {
		busy.Go(func() { do(i, n) })
	}
	busy.Wait()
}

func (m *twins) connect(w *twin) {
	if w.there {
		return
	}
	for i, n := range m.nodes {
		if w.now[i] != nil {
			w.past[i] = append(w.past[i], w.now[i])
		}
		w.now[i] = comeBack(m.t, n, words, someone(w.user), w.user)
	}
	w.there = true
}

// subscribe subscribes, at times with a filter. A filter of windows that leave events out would join parts.
func (m *twins) subscribe(w *twin, topic string) {
	f := protocol.Filter{}
	if choice := m.rng.IntN(4); choice == 0 && !m.latest {
		f.View = protocol.Project([]string{"temp"})
	} else if choice == 1 && !m.latest {
		f.Every = 100 * time.Millisecond
	}
	m.each(w, func(_ *Node, c *client) { c.do(protocol.Subscribe{Topic: topic, Filter: f}) })
}

// publish publishes the same on both nodes, at times once more with the same id, and compares the answers.
func (m *twins) publish(topic string) {
	m.count++
	in := protocol.EventInput{Key: fmt.Sprint("k", m.rng.IntN(3)), Kind: protocol.JSON,
		Data: fmt.Appendf(nil, `{"t":%q,"n":%d}`, topic, m.count)}
	if m.rng.IntN(4) == 0 && !m.latest {
		part := []string{"temp", "hum"}[m.rng.IntN(2)]
		in = protocol.EventInput{Kind: protocol.Telemetry,
			Data: fmt.Appendf(nil, `{"device_id":"d","telemetry":{%q:%d}}`, part, m.count)}
	}
	if m.rng.IntN(5) == 0 {
		in.ID = strconv.Itoa(m.rng.IntN(m.count)) // perhaps known
	}
	ev, err := protocol.NewEvent(in)
	if err != nil {
		m.t.Fatal(err)
	}
	exclude := m.all[m.rng.IntN(len(m.all))]
	var got [2]Receipt
	m.both(func(i int, n *Node) {
		to := Target{Topic: topic}
		if exclude.there && m.count%3 == 0 {
			to.Exclude = exclude.now[i].link.ID()
		}
		r, err := n.Publish(context.Background(), "acme", to, ev)
		if err != nil {
			m.t.Error(err)
		}
		r.Position.Epoch, r.ID = "", ""
		got[i] = r
	})
	if got[0] != got[1] {
		m.t.Fatalf("event %d is answered %+v with a window, and %+v without", m.count, got[1], got[0])
	}
}

// compare compares what the clients of both nodes heard.
func (m *twins) compare() {
	all, told := 0, 0
	for _, w := range m.all {
		all, told = all+len(w.heard(0)), told+len(w.heard(1))
		for _, topic := range modelTopics {
			without, with := w.heardOf(topic, 0), w.heardOf(topic, 1)
			if !m.latest && !slices.Equal(without, with) || m.latest && !isPart(with, without) {
				m.t.Error(w.user, topic, difference(with, without))
			}
		}
	}
	if stale := m.nodes[1].Metrics().Drops[protocol.Stale]; int(stale) != all-told || m.latest == (stale == 0) {
		m.t.Errorf("%d of %d were heard, and %d are counted as stale", told, all, stale)
	}
	for _, n := range m.nodes {
		if n.backlog.Bytes() != 0 || n.backlog.Batched() != 0 {
			m.t.Errorf("%d bytes wait, %d are batched", n.backlog.Bytes(), n.backlog.Batched())
		}
	}
	if all < 400 {
		m.t.Errorf("too little happened: %d", all)
	}
}

// isPart reports whether all of part are in whole, in this order, and the last of both is the same.
func isPart(part, whole []string) bool {
	if len(part) == 0 || len(whole) == 0 {
		return len(part) == len(whole)
	}
	last := part[len(part)-1] == whole[len(whole)-1]
	for _, said := range whole {
		if len(part) > 0 && part[0] == said {
			part = part[1:]
		}
	}
	return last && len(part) == 0
}

// difference says where what a client heard with windows parts from what it heard without.
func difference(with, without []string) string {
	at := 0
	for at < len(with) && at < len(without) && with[at] == without[at] {
		at++
	}
	return fmt.Sprintf("heard %d events and not %d; after %d came %q, and not %q", len(with), len(without), at,
		with[at:min(at+6, len(with))], without[at:min(at+6, len(without))])
}
