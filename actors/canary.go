package actors

import (
	"context"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// The canary's tenant and topic. No API key, token or URL leads to them.
const (
	canaryTenant = "\x00canary"
	canaryTopic  = "canary"
)

// canary proves that events get through: it is a connection like any other, with a wire that ends in this process. Its
// events are in no figures.
type canary struct {
	node *Node
	link *Link
	sang chan struct{} // capacity 1: an event came out of the outbox

	probing sync.Mutex // one probe at a time
	taking  sync.Mutex // Take and Wrote are one goroutine's at a time
}

func newCanary(n *Node) *canary {
	n.SetTenant(TenantConfig{Name: canaryTenant})
	c := &canary{node: n, sang: make(chan struct{}, 1)}
	_, why := n.Connect(Dial{Tenant: canaryTenant, Dialect: canaryDialect{}, Session: canarySession{}, Identity: &protocol.Identity{Topics: []protocol.Pattern{"*"}}},
		func(l *Link) Wire { c.link = l; return c })
	if why != nil {
		panic(why) // a new node has room
	}
	return c
}

// Wake implements Wire: it takes what waits.
func (c *canary) Wake() { go c.take() }

func (c *canary) take() {
	c.taking.Lock()
	defer c.taking.Unlock()
	for {
		frames := c.link.outbox.Take(nil, 1<<20)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if f.Op == Text {
				select {
				case c.sang <- struct{}{}:
				default:
				}
			}
		}
		c.link.outbox.Wrote(frames)
		c.link.Heard()
	}
}

// Close implements Wire.
func (c *canary) Close(uint16, string) { c.Cut() }

// Cut implements Wire.
func (c *canary) Cut() { c.link.Gone(protocol.Disconnected) }

// Probe sends a canary event through topic, outbox and wire, and returns how long that took. An error says that events
// do not get through at the moment.
func (n *Node) Probe(ctx context.Context) (time.Duration, error) {
	c := n.canary
	c.probing.Lock()
	defer c.probing.Unlock()
	select {
	case <-c.sang: // of a probe that gave up
	default:
	}
	if _, why := c.link.info(ctx); why != nil { // before that it may not have subscribed yet, at the very start
		return 0, why
	}
	start := time.Now()
	ev, err := protocol.NewEvent(protocol.Draft{Kind: protocol.JSON, Data: []byte("{}"), Time: start})
	if err != nil {
		return 0, err
	}
	p := newPublication(ev.At(canaryTopic), true)
	n.tenant(canaryTenant).topic(canaryTopic, publish{p})
	if _, why := p.verdict.wait(ctx, nil); why != nil {
		return 0, why
	}
	select {
	case <-c.sang:
		return time.Since(start), nil
	case <-ctx.Done():
		return 0, protocol.Refuse(protocol.Busy, "an event did not get through within %s", time.Since(start).Round(time.Millisecond))
	}
}

// canaryDialect says an event as it is.
type canaryDialect struct{}

func (canaryDialect) Name() string            { return "canary" }
func (canaryDialect) Paths() []string         { return nil }
func (canaryDialect) Limits() protocol.Limits { return protocol.Limits{} }
func (canaryDialect) Open(protocol.Hello) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	return canarySession{}, nil, nil
}
func (canaryDialect) Encode(ev *protocol.Event, _ protocol.View) []byte { return ev.Data }

// canarySession subscribes to the canary's topic.
type canarySession struct{}

func (canarySession) Opened(time.Time, uint64) []protocol.Command {
	return []protocol.Command{protocol.Subscribe{Topic: canaryTopic}}
}
func (canarySession) Receive(time.Time, protocol.Inbound) (int, []protocol.Command) { return 0, nil }
func (canarySession) Answer(protocol.Command, protocol.Outcome) []protocol.Command  { return nil }
func (canarySession) Beat(time.Time) []protocol.Command                             { return nil }
func (canarySession) Refuse(time.Time, *protocol.Refusal, bool) []protocol.Command  { return nil }
