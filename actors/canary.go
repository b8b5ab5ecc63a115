package actors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// canary proves that events get through one shard of the topics and one of the users: it is a connection like any
// other, with a transport that ends in this process. Its events are not in the metrics.
type canary struct {
	// Static.
	tenant      *tenantCore
	topic, user string
	link        *Conn
	sang        [2]chan struct{} // of capacity 1: the song has come out of the outbox

	taking sync.Mutex // one goroutine at a time may call Take and Ack
}

// A canary sings one song for topics and one for users.
const (
	ofTopic = iota
	ofUser
)

var songs = [2]string{ofTopic: `{"of":"topic"}`, ofUser: `{"of":"user"}`}

// newCanaries makes one canary for each shard of the topics, with a user in the same shard of the users, and adds their
// probes.
func newCanaries(n *Node) []*canary {
	n.SetTenant(TenantConfig{Name: canaryTenant})
	t := n.tenant(canaryTenant)
	topics, users := t.topics.NamePerShard("canary"), t.users.NamePerShard("canary")
	all := make([]*canary, len(topics))
	for shard := range all {
		c := &canary{
			tenant: t, topic: topics[shard], user: users[shard],
			sang: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)},
		}
		c.enter(n)
		n.AddProbe(fmt.Sprint("topics shard ", shard), c.singTopic)
		n.AddProbe(fmt.Sprint("users shard ", shard), c.singUser)
		all[shard] = c
	}
	for _, c := range all { // its subscription is made when it answers
		_, _ = c.link.info(context.Background())
	}
	return all
}

func (c *canary) enter(n *Node) {
	id := &protocol.Identity{User: c.user, Topics: []protocol.Pattern{"*"}}
	_, err := n.Connect(ConnectOptions{
		Tenant: canaryTenant, Dialect: canaryDialect{}, Session: canarySession{c.topic}, Identity: id,
	}, func(l *Conn) outbox.Transport { c.link = l; return c })
	if err != nil {
		panic(err) // a new node has room
	}
}

// Wake implements outbox.Transport: it takes the frames that wait.
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
			c.heard(string(f.Data))
		}
		c.link.outbox.Ack(frames, 0)
		c.link.Heard()
	}
}

func (c *canary) heard(song string) {
	if i := slices.Index(songs[:], song); i >= 0 {
		select {
		case c.sang[i] <- struct{}{}:
		default:
		}
	}
}

// Close implements outbox.Transport.
func (c *canary) Close(uint16, string) { c.Cut() }

// Cut implements outbox.Transport.
func (c *canary) Cut() { c.link.Gone(protocol.Disconnected) }

// singTopic sends an event through the topic and waits for it; Busy if ctx ends first.
func (c *canary) singTopic(ctx context.Context) error {
	return c.sing(ctx, ofTopic, func(p *fanout.Delivery) { c.tenant.topic(c.topic, publish{p}) })
}

// singUser sends an event through the user and waits for it; Busy if ctx ends first.
func (c *canary) singUser(ctx context.Context) error {
	return c.sing(ctx, ofUser, func(p *fanout.Delivery) { c.tenant.user(c.user, publish{p}) })
}

// sing sends an event and waits until it has come out of the outbox.
func (c *canary) sing(ctx context.Context, song int, send func(*fanout.Delivery)) error {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: []byte(songs[song]), Time: time.Now()})
	if err != nil {
		return err
	}
	select {
	case <-c.sang[song]: // of a call that gave up
	default:
	}
	p := fanout.NewDelivery(ev.At(c.topic), true)
	send(p)
	if _, err := p.Result.Wait(ctx, nil); err != nil {
		return err
	}
	select {
	case <-c.sang[song]:
		return nil
	case <-ctx.Done():
		return mailbox.ErrBusy
	}
}

// canaryDialect encodes an event as its bare data.
type canaryDialect struct{}

func (canaryDialect) Name() string            { return "canary" }
func (canaryDialect) Paths() []string         { return nil }
func (canaryDialect) Limits() protocol.Limits { return protocol.Limits{} }
func (canaryDialect) Open(protocol.Handshake) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	return canarySession{}, nil, nil
}
func (canaryDialect) Encode(ev *protocol.Event, _ protocol.Projection) []byte { return ev.Data }

// canarySession subscribes to the canary's topic.
type canarySession struct{ topic string }

func (s canarySession) OnOpen(time.Time, uint64) []protocol.Command {
	return []protocol.Command{protocol.Subscribe{Topic: s.topic}}
}
func (canarySession) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) {
	return 0, nil
}
func (canarySession) Answer(protocol.Command, protocol.Outcome) []protocol.Command   { return nil }
func (canarySession) OnTick(time.Time) []protocol.Command                            { return nil }
func (canarySession) OnReject(time.Time, *protocol.Refusal, bool) []protocol.Command { return nil }
