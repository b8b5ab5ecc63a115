package actors

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// news is one lifecycle event as a backend reads it.
type news struct {
	Type, Epoch, User, Connection, Dialect, Topic, Reason, By string

	Number, Received, Sent uint64
	Code                   int
	Restored, Lingers      bool
	Seconds                float64
	Time                   time.Time
}

// brief says an event in a few words.
func (n news) brief() string {
	words := n.Type
	for _, more := range []string{n.Connection, n.User, n.Topic, n.Reason} {
		if more != "" {
			words += " " + more
		}
	}
	return words
}

// crier is a LifecycleSink that writes down what is emitted.
type crier struct {
	t  testing.TB
	mu sync.Mutex
	// hold, if not nil, is waited for with each event; fails is the number of one at which it panics.
	hold  chan struct{}
	fails uint64
	all   []news
}

func (c *crier) Emit(epoch string, number uint64, text []byte) {
	if c.hold != nil {
		<-c.hold
	}
	if number == c.fails {
		panic("a sink that fails")
	}
	var n news
	if err := json.Unmarshal(text, &n); err != nil || n.Epoch != epoch || n.Number != number {
		c.t.Errorf("told %s as %s-%d: %v", text, epoch, number, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, n)
}

func (c *crier) told() []news {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]news(nil), c.all...)
}

func (c *crier) wantTold(want ...string) {
	c.t.Helper()
	var got []string
	for i, n := range c.told() {
		got = append(got, n.brief())
		if n.Number != uint64(i+1) || n.Epoch != c.all[0].Epoch {
			c.t.Errorf("event %d has the number %d, epoch %s", i+1, n.Number, n.Epoch)
		}
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		c.t.Errorf("told %q\nwant %q", got, want)
	}
}

// heralded runs a test with a node whose tenant acme emits to a crier and its topic.
func heralded(t *testing.T, cfg Config, test func(t *testing.T, n *Node, c *crier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &crier{t: t}
		n := New(cfg, anyone{}, TenantConfig{Name: "acme", Lifecycle: Lifecycle{Topic: true, Sink: c}})
		defer n.Close()
		test(t, n, c)
	})
}
