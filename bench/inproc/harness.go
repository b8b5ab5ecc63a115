package inproc

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// Tenant is where all clients are.
const Tenant = "acme"

// window is how many clients may be on their way in at once.
const window = 512

// Crowd is a node and its clients. One goroutine uses it, but for Publish.
type Harness struct {
	// Static after New.
	Node    *actors.Node
	dialect *valtronics.Dialect
	writers []*writer
	writing sync.WaitGroup

	events counter // taken by all clients together
	pongs  counter
	faults faults

	// Owned by the goroutine that uses it.
	asked     int64 // pongs that have to come
	connected uint32
}

// Limits are what clients usually obey: the dialect's own, but for the number of connections.
func Limits() valtronics.Config {
	limits := valtronics.DefaultConfig()
	limits.Connections = 0
	return limits
}

// New starts a node and one writer per core. Close ends them.
func New(limits valtronics.Config) *Harness {
	c := &Harness{Node: actors.New(actors.Config{}, authenticator{}, actors.TenantConfig{Name: Tenant}), dialect: valtronics.New(limits)}
	for range runtime.NumCPU() {
		w := newWriter(c)
		c.writers = append(c.writers, w)
		c.writing.Go(w.run)
	}
	return c
}

// Close ends the node, the clients and the writers, and waits for them.
func (c *Harness) Close() {
	c.faults.expect()
	c.Node.Close()
	for _, w := range c.writers {
		w.stop()
	}
	c.writing.Wait()
}

// Entry is how a client comes in: as which user, and what it says when it is authenticated.
type Entry struct {
	User  string
	Lines []string
}

// Enter brings n clients in, at most 512 of them at once on their way, and returns when all have had their answers.
func (c *Harness) Connect(n int, entry func(i int) Entry) ([]*Client, error) {
	all := make([]*Client, 0, n)
	for i := range n {
		e := entry(i)
		client, err := c.connect(e.User)
		if err != nil {
			return all, err
		}
		all = append(all, client)
		client.send(append([]string{`{"type":"auth","token":"` + e.User + `"}`}, e.Lines...))
		if i%64 == 0 {
			if err := c.answered(c.asked - window); err != nil {
				return all, err
			}
		}
	}
	return all, c.answered(c.asked)
}

// open connects one client, as a server does with a socket that it lets in.
func (c *Harness) connect(user string) (*Client, error) {
	c.connected++
	remote := fmt.Sprintf("10.%d.%d.%d", c.connected>>16&255, c.connected>>8&255, c.connected&255)
	if why := c.Node.Admit(Tenant, c.dialect, remote); why != nil {
		return nil, why
	}
	session, _, why := c.dialect.Open(protocol.Hello{Path: valtronics.Path, Remote: remote})
	if why != nil {
		return nil, why
	}
	client := &Client{writer: c.writers[int(c.connected)%len(c.writers)]}
	_, why = c.Node.Connect(actors.Dial{Tenant: Tenant, Dialect: c.dialect, Session: session, Remote: remote},
		func(l *actors.Link) outbox.Transport { client.link = l; return client })
	if why != nil {
		return nil, why
	}
	return client, nil
}

// Ask has a client say lines and returns when they are answered.
func (c *Harness) Ask(client *Client, lines ...string) error {
	client.send(lines)
	return c.answered(c.asked)
}

// AskEach has each client say lines, without waiting for one before the next, and returns when all are answered.
func (c *Harness) AskEach(clients []*Client, lines func(i int) []string) error {
	for i, client := range clients {
		client.send(lines(i))
		if i%64 == 0 {
			if err := c.answered(c.asked - window); err != nil {
				return err
			}
		}
	}
	return c.answered(c.asked)
}

// settled waits for so many answers since the beginning.
func (c *Harness) answered(pongs int64) error { return c.pongs.await(pongs, &c.faults) }

// Taken is how many events all clients together have taken since the beginning.
func (c *Harness) Received() int64 { return c.events.n.Load() }

// Arrived waits until all clients together have taken so many events since the beginning.
func (c *Harness) Await(events int64) error { return c.events.await(events, &c.faults) }

// Publish publishes and does not wait for the writers. Many goroutines may call it.
func (c *Harness) Publish(to actors.Target, ev *protocol.Event) (delivered int, err error) {
	receipt, err := c.Node.Publish(context.Background(), Tenant, to, ev)
	return receipt.Delivered, err
}

// Deliver publishes and returns when the last client has taken the event, how many they are, and after how long.
func (c *Harness) Deliver(to actors.Target, ev *protocol.Event) (delivered int, took time.Duration, err error) {
	before, began := c.Received(), time.Now()
	if delivered, err = c.Publish(to, ev); err == nil {
		err = c.Await(before + int64(delivered))
	}
	return delivered, time.Since(began), err
}

// Leave ends the sockets of clients and returns when the node has forgotten them.
func (c *Harness) Disconnect(clients []*Client) error {
	open := c.Node.Stats(Tenant).ActiveConnections
	want := open - uint64(len(clients))
	for _, client := range clients {
		client.link.Gone(protocol.Disconnected)
	}
	deadline := time.Now().Add(timeout)
	for pause := 100 * time.Microsecond; ; {
		began := time.Now()
		open = c.Node.Stats(Tenant).ActiveConnections
		if open <= want {
			return nil
		}
		if began.After(deadline) {
			return fmt.Errorf("%d connections are open that have ended", open-want)
		}
		time.Sleep(max(pause, 4*time.Since(began))) // the look itself costs: it takes a fifth of the time at most
	}
}
