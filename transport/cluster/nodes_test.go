package cluster

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/entry"
	"github.com/parley-realtime/parley/actors/cluster/home"
	"github.com/parley-realtime/parley/actors/cluster/link"
	"github.com/parley-realtime/parley/actors/cluster/message"
	"github.com/parley-realtime/parley/actors/cluster/relay"
)

// node drives the state machines of one slot over a port. One goroutine owns them. The home is always node 1, since
// there is no Raft group here.
type node struct {
	id      message.Node
	port    *Port
	work    chan func() // for the goroutine
	own     []func()    // of its own making
	begun   time.Time
	links   map[message.Node]*link.Peer
	peers   map[message.Node]*Peer
	home    *home.Home // of node 1
	relay   *relay.Relay
	entry   *entry.Queue
	answers map[uint64]chan *message.Message
	heard   chan string
}

func (n *node) name() string { return nodeName(n.id) }

func nodeName(id message.Node) string { return fmt.Sprint("node-", id) }

func (n *node) now() time.Duration { return time.Since(n.begun) }

// threeNodes starts a cluster.
func threeNodes(t testing.TB) []*node {
	ca := authority(t, "blue")
	var all []*node
	for id := message.Node(1); id <= 3; id++ {
		n := &node{
			id: id, work: make(chan func(), 1000), begun: time.Now(), answers: map[uint64]chan *message.Message{},
			links: map[message.Node]*link.Peer{}, peers: map[message.Node]*Peer{}, heard: make(chan string, 100_000),
		}
		n.relay, n.entry = relay.New(0, n), entry.NewQueue(0, n.Send)
		n.port = listen(t, certificates(t, ca, n.name()), n)
		all = append(all, n)
	}
	for _, n := range all {
		for _, other := range all {
			if other != n {
				n.links[other.id] = link.NewPeer(1)
				n.peers[other.id] = n.port.Connect(other.port.Address())
			}
		}
	}
	for _, n := range all {
		go n.run(t)
	}
	return all
}

func (n *node) run(t testing.TB) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	if n.id == 1 {
		n.home = home.New(0, 0, 1, []message.Node{1, 2, 3}, nil, n)
		n.home.Extend(0, time.Hour)
	}
	for {
		select {
		case <-t.Context().Done():
			return
		case f := <-n.work:
			f()
		case <-ticker.C:
			if n.home != nil {
				n.home.Tick(n.now())
			}
		}
		for len(n.own) > 0 {
			f := n.own[0]
			n.own = n.own[1:]
			f()
		}
		n.pack()
	}
}

func (n *node) pack() {
	for id, l := range n.links {
		for parcel, due := l.Pack(n.now(), nil); due; parcel, due = l.Pack(n.now(), nil) {
			n.peers[id].Parcel(parcel)
		}
	}
}

func (n *node) Parcel(from string, parcel []byte) {
	n.work <- func() { n.take(message.Node(from[len(from)-1]-'0'), parcel) }
}

func (n *node) Message(string, []byte) {}

func (n *node) Up(*Peer, string) {}

func (n *node) Down(*Peer, bool) {}

func (n *node) take(from message.Node, parcel []byte) {
	news, frames, err := n.links[from].Receive(n.now(), parcel)
	if err != nil && !errors.Is(err, link.ErrStale) {
		panic(err)
	}
	if news != (link.News{}) && n.home != nil {
		n.home.Again(n.now(), from, news.Began)
	}
	for frame := range frames {
		var m message.Message
		if err := m.Decode(frame); err != nil {
			panic(err)
		}
		n.handle(from, &m)
	}
}

// Send implements home.Host and relay.Node.
func (n *node) Send(to message.Node, m *message.Message) {
	if to != n.id {
		_ = n.links[to].Send(n.now(), m.Append(nil)) // a loss is told by the link
		return
	}
	own := *m
	own.Body = slices.Clone(m.Body)
	n.own = append(n.own, func() { n.handle(to, &own) })
}

func (n *node) handle(from message.Node, m *message.Message) {
	switch m.Kind {
	case message.Leads:
		n.relay.Leads(n.now(), from, m)
		n.entry.Leads(from, m.Term)
	case message.Event, message.Attached:
		n.relay.Receive(n.now(), from, m)
	case message.Answer:
		n.entry.Answer(m.Number)
		n.answers[m.Number] <- m
	default:
		n.home.Receive(n.now(), from, 1, m)
	}
}

func (n *node) Propose(c home.Change) { n.own = append(n.own, func() { n.home.Agreed(n.now(), c) }) }

func (n *node) NewEpoch() string { return "e" }

func (n *node) Lost(topic string) { n.heard <- "lost " + topic }

func (n *node) Deliver(m *message.Message) int {
	n.heard <- string(m.Body)
	return 1
}

// publish publishes on a node; the answer comes on the channel.
func (n *node) publish(body string) <-chan *message.Message {
	answer := make(chan *message.Message, 1)
	n.work <- func() {
		number, err := n.entry.Publish("rooms/7", []byte(body), time.Hour)
		if err != nil {
			panic(err)
		}
		n.answers[number] = answer
	}
	return answer
}

// subscribe subscribes all nodes, and returns when that has come to the home.
func subscribe(t testing.TB, all []*node) {
	for _, n := range all {
		n.work <- func() { n.relay.Subscribe(n.now(), "rooms/7") }
	}
	for _, n := range all {
		for attached := false; !attached; {
			answer := make(chan bool)
			n.work <- func() { answer <- n.relay.Attached("rooms/7") }
			if attached = <-answer; !attached {
				runtime.Gosched()
			}
		}
	}
}

func TestNodes_AnEventOfOneIsHeardOnAllOnceAndInOrder(t *testing.T) {
	all := threeNodes(t)
	subscribe(t, all)
	const events = 300
	for i := range events {
		answer := all[1].publish(fmt.Sprint(i))
		if i == events-1 {
			if m := await(t, "answer", answer); m.Offset != events || m.Count != 3 {
				t.Errorf("offset %d, %d got it", m.Offset, m.Count)
			}
		}
	}
	for _, n := range all {
		for i := range events {
			if got := await(t, "event", n.heard); got != fmt.Sprint(i) {
				t.Fatalf("%s heard %s for %d", n.name(), got, i)
			}
		}
	}
}

// BenchmarkNodes is the time from a publish on one node until a subscriber on another hears it, by the home on a third.
func BenchmarkNodes(b *testing.B) {
	all := threeNodes(b)
	subscribe(b, all)
	var times []time.Duration
	for b.Loop() {
		began := time.Now()
		answer := all[1].publish("x")
		<-all[2].heard
		times = append(times, time.Since(began))
		<-answer
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
}
