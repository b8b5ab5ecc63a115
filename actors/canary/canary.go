package canary

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Conn is what a canary needs of its connection.
type Conn interface {
	Outbox() *outbox.Outbox
	Heard()
	Gone(reason protocol.Reason)
}

// Canary subscribes to one topic and is one user. New makes one, and Attach has it ready.
type Canary struct {
	// Static.
	Topic, User string
	conn        Conn
	arrived     [2]chan struct{} // of capacity 1: the event has come out of the outbox

	taking sync.Mutex // one goroutine at a time may call Take and Ack
}

// A canary has one event for its topic and one for its user.
const (
	toTopic = iota
	toUser
)

var events = [2]string{toTopic: `{"of":"topic"}`, toUser: `{"of":"user"}`}

// New makes a canary that is not connected yet.
func New(topic, user string) *Canary {
	return &Canary{Topic: topic, User: user, arrived: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}}
}

// Identity is that of the canary's user.
func (c *Canary) Identity() *protocol.Identity {
	return &protocol.Identity{User: c.User, Topics: []protocol.Pattern{"*"}}
}

// Session subscribes to the canary's topic.
func (c *Canary) Session() protocol.Session { return session{c.Topic} }

// Attach gives the canary its connection, and returns the connection's transport.
func (c *Canary) Attach(conn Conn) outbox.Transport {
	c.conn = conn
	return c
}

// Wake implements outbox.Transport: it takes the frames that wait.
func (c *Canary) Wake() { go c.take() }

func (c *Canary) take() {
	c.taking.Lock()
	defer c.taking.Unlock()
	for {
		frames := c.conn.Outbox().Take(nil, 1<<20)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			c.received(string(f.Data))
		}
		c.conn.Outbox().Ack(frames, 0)
		c.conn.Heard()
	}
}

func (c *Canary) received(data string) {
	if i := slices.Index(events[:], data); i >= 0 {
		select {
		case c.arrived[i] <- struct{}{}:
		default:
		}
	}
}

// Close implements outbox.Transport.
func (c *Canary) Close(uint16, string) { c.Cut() }

// Cut implements outbox.Transport.
func (c *Canary) Cut() { c.conn.Gone(protocol.Disconnected) }

// ProbeTopic has send give an event to the canary's topic, and waits until it has come out of the outbox. The error is
// a protocol.Refusal: that of the topic, or Busy if ctx ends first. One goroutine at a time calls it.
func (c *Canary) ProbeTopic(ctx context.Context, send func(*fanout.Delivery)) error {
	return c.probe(ctx, toTopic, send)
}

// ProbeUser does for the canary's user what ProbeTopic does for its topic.
func (c *Canary) ProbeUser(ctx context.Context, send func(*fanout.Delivery)) error {
	return c.probe(ctx, toUser, send)
}

func (c *Canary) probe(ctx context.Context, which int, send func(*fanout.Delivery)) error {
	data := []byte(events[which])
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: data, Time: time.Now()})
	if err != nil {
		return err
	}
	select {
	case <-c.arrived[which]: // of a call that gave up
	default:
	}
	p := fanout.NewDelivery(ev.At(c.Topic), true)
	send(p)
	if _, err := p.Result.Wait(ctx, nil); err != nil {
		return err
	}
	select {
	case <-c.arrived[which]:
		return nil
	case <-ctx.Done():
		return mailbox.ErrBusy
	}
}
