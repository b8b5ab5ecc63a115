package run

import (
	"fmt"
	"runtime"
	"time"

	"github.com/parley-realtime/parley/bench/publisher"
	"github.com/parley-realtime/parley/bench/target"
)

// Way is how a case publishes.
type Way int

// The ways. With None the clients only connect, and the run measures them idle.
const (
	None Way = iota
	Topic
	User
	Batch
	Views
)

// parts is how many filter views there are: clients have them in turn, and an event has a part for each.
const parts = 50

// Case is one question of the suite.
type Case struct {
	Name  string
	Title string
	// Clients is how many connect; each is a user of its own. Own gives each a topic of its own, instead of one for
	// all; Topics is how many each listens to, all of them the same (default 1).
	Clients int
	Own     bool
	Topics  int
	// Width is how many of them may be connecting at once; 0 is 32.
	Width int
	Way   Way
	// Publishers share Rate, in events per second; 0 is as fast as answers come, with window in flight at most.
	Publishers int
	Rate       float64
	// Items is how many events a batch has.
	Items int
	// Latest says that the server may leave out events that a newer one replaces; all have to hear the newest.
	Latest bool
	// Singly are targets to which single events are published instead, at this rate, and all of which arrive.
	Singly map[string]float64
	// Fresh makes a connection for each publish.
	Fresh bool
	// Logins is how many further clients log in, as fast as the server takes them, after the case was measured without
	// them; events go on meanwhile, and the latency of that time is a figure of its own.
	Logins int
	// Secure has clients and publishers speak TLS 1.3, with Resume such that clients resume the sessions of others.
	Secure, Resume bool
	// Deflate has clients ask for compression. Every event has to come compressed.
	Deflate bool
	// Pad is how many letters of readings an event has, instead of the letters that fill it up to 160 bytes.
	Pad int
	// Warm is how long the same is done before it is measured, and For how long it is measured.
	Warm, For time.Duration
	// Rounds is how often it is measured at most; 0 is in every round.
	Rounds int
	// Without says why a target takes no part that could.
	Without map[string]string
	// Shows are the figures that the case is about.
	Shows []Figure
}

// Window is how many events may be in flight, from the publisher's request to the last subscriber's read; fewer if
// these are more than WindowDeliveries deliveries. Servers that answer before they deliver would be flooded without
// one; it is the same for all.
const (
	Window           = 256
	WindowDeliveries = 256_000
)

// window is how many events may be in flight in the case.
func (c *Case) window() int64 { return min(Window, WindowDeliveries/c.fanOut()) }

// call is the target's call for this way to publish; nil if it has none.
func (c *Case) call(p *target.Target) *target.Call {
	publish := &p.Publish
	switch c.Way {
	case Topic:
		return publish.Topic
	case User:
		return publish.User
	case Batch:
		return publish.Batch
	case Views:
		return publish.Views
	}
	return nil
}

// Excluded says why a target takes no part in the case, "" if it does.
func (c *Case) Excluded(p *target.Target) string {
	switch {
	case p.Cases[c.Name].Out != "":
		return p.Cases[c.Name].Out
	case c.Without[p.Name] != "":
		return c.Without[p.Name]
	case c.Secure && p.Secure == nil:
		return "its words have no TLS"
	case c.Deflate && !p.Deflate:
		return "its words have no compression"
	case c.Way != None && c.call(p) == nil:
		return "its words have no such publish"
	case c.Logins > 0 && p.Login == nil:
		return "its clients show no signed tokens"
	case c.Fresh && c.call(p).TCP:
		return "its publishers have one connection by their nature"
	}
	return ""
}

// of is the case as it is for a target.
func (c *Case) of(p *target.Target) *Case {
	rate, ok := c.Singly[p.Name]
	if !ok {
		return c
	}
	singly := *c
	singly.Way, singly.Items, singly.Latest, singly.Rate = Topic, 0, false, rate
	return &singly
}

// fanOut is how many clients receive an event.
func (c *Case) fanOut() int64 {
	if c.Own || c.Way == User {
		return 1
	}
	return int64(c.Clients)
}

// topic is the number of the topic that a client listens to.
func (c *Case) topic(client int) int {
	if c.Own {
		return client
	}
	return 1
}

// targets are those that one of the publishers publishes to.
func (c *Case) targets(which int) []publisher.Target {
	var all []publisher.Target
	if c.fanOut() > 1 {
		for i := range max(1, c.Topics) {
			all = append(all, publisher.Target{N: 1, Topic: 1 + i, Series: i*c.Publishers + which})
		}
		return all
	}
	for n := 1 + which; n <= c.Clients; n += c.Publishers {
		all = append(all, publisher.Target{N: n, Topic: c.topic(n)})
	}
	return all
}

// series is how many series of sequence numbers a client hears: one of each publisher to each of its topics.
func (c *Case) series() int {
	if c.fanOut() > 1 {
		return max(1, c.Publishers) * max(1, c.Topics)
	}
	return 1
}

// threads is how many threads of the generator may wait in the kernel at once. The runtime has a processor for each of
// them: a thread that has to wait until the runtime takes one from another thread comes late.
func (c *Case) threads() int { return max(runtime.NumCPU(), c.Publishers+3) }

// items is how many items a call has.
func (c *Case) items() int {
	switch c.Way {
	case Batch:
		return c.Items
	case Views:
		return parts
	}
	return 0
}

// calls is how many calls one publisher makes in a second, 0 for as many as it can.
func (c *Case) calls() float64 {
	return c.Rate / float64(max(1, c.Publishers)) / float64(max(1, c.Items))
}

// Check returns an error if the case is incomplete or contradicts itself.
func (c *Case) Check() error {
	if c.Clients < 1 || c.For <= 0 || len(c.Shows) == 0 || (c.Way == Batch) != (c.Items > 0) ||
		(c.Way == None) != (c.Publishers == 0) || int64(c.Items) > c.window() || c.Topics > 1 && c.fanOut() == 1 ||
		c.Latest && (c.Rate == 0 || c.Publishers > 1 || c.Topics > 1) ||
		c.Logins > 0 && c.Rate == 0 || c.Resume && !c.Secure {
		return fmt.Errorf("the case %s is not whole", c.Name)
	}
	return nil
}
