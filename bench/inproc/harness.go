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
	h := &Harness{Node: actors.New(actors.Config{}, authenticator{}, actors.TenantConfig{Name: Tenant}),
		dialect: valtronics.New(limits)}
	for range runtime.NumCPU() {
		w := newWriter(h)
		h.writers = append(h.writers, w)
		h.writing.Go(w.run)
	}
	return h
}

// Close ends the node, the clients and the writers, and waits for them.
func (h *Harness) Close() {
	h.faults.expect()
	h.Node.Close()
	for _, w := range h.writers {
		w.stop()
	}
	h.writing.Wait()
}

// Entry is how a client comes in: as which user, and what it says when it is authenticated.
type Entry struct {
	User  string
	Lines []string
}

// Enter brings n clients in, at most 512 of them at once on their way, and returns when all have had their answers.
func (h *Harness) Connect(n int, entry func(i int) Entry) ([]*Client, error) {
	all := make([]*Client, 0, n)
	for i := range n {
		e := entry(i)
		client, err := h.connect(e.User)
		if err != nil {
			return all, err
		}
		all = append(all, client)
		client.send(append([]string{`{"type":"auth","token":"` + e.User + `"}`}, e.Lines...))
		if i%64 == 0 {
			if err := h.answered(h.asked - window); err != nil {
				return all, err
			}
		}
	}
	return all, h.answered(h.asked)
}

// open connects one client, as a server does with a socket that it lets in.
func (h *Harness) connect(user string) (*Client, error) {
	h.connected++
	remote := fmt.Sprintf("10.%d.%d.%d", h.connected>>16&255, h.connected>>8&255, h.connected&255)
	if why := h.Node.Admit(Tenant, h.dialect, remote); why != nil {
		return nil, why
	}
	session, _, why := h.dialect.Open(protocol.Hello{Path: valtronics.Path, Remote: remote})
	if why != nil {
		return nil, why
	}
	client := &Client{writer: h.writers[int(h.connected)%len(h.writers)]}
	_, why = h.Node.Connect(actors.Dial{Tenant: Tenant, Dialect: h.dialect, Session: session, Remote: remote},
		func(l *actors.Link) outbox.Transport { client.link = l; return client })
	if why != nil {
		return nil, why
	}
	return client, nil
}

// Ask has a client say lines and returns when they are answered.
func (h *Harness) Ask(client *Client, lines ...string) error {
	client.send(lines)
	return h.answered(h.asked)
}

// AskEach has each client say lines, without waiting for one before the next, and returns when all are answered.
func (h *Harness) AskEach(clients []*Client, lines func(i int) []string) error {
	for i, client := range clients {
		client.send(lines(i))
		if i%64 == 0 {
			if err := h.answered(h.asked - window); err != nil {
				return err
			}
		}
	}
	return h.answered(h.asked)
}

// settled waits for so many answers since the beginning.
func (h *Harness) answered(pongs int64) error { return h.pongs.await(pongs, &h.faults) }

// Taken is how many events all clients together have taken since the beginning.
func (h *Harness) Received() int64 { return h.events.n.Load() }

// Arrived waits until all clients together have taken so many events since the beginning.
func (h *Harness) Await(events int64) error { return h.events.await(events, &h.faults) }

// Publish publishes and does not wait for the writers. Many goroutines may call it.
func (h *Harness) Publish(to actors.Target, ev *protocol.Event) (delivered int, err error) {
	receipt, err := h.Node.Publish(context.Background(), Tenant, to, ev)
	return receipt.Delivered, err
}

// Deliver publishes and returns when the last client has taken the event, how many they are, and after how long.
func (h *Harness) Deliver(to actors.Target, ev *protocol.Event) (delivered int, took time.Duration, err error) {
	before, began := h.Received(), time.Now()
	if delivered, err = h.Publish(to, ev); err == nil {
		err = h.Await(before + int64(delivered))
	}
	return delivered, time.Since(began), err
}

// Leave ends the sockets of clients and returns when the node has forgotten them.
func (h *Harness) Disconnect(clients []*Client) error {
	open := h.Node.Stats(Tenant).ActiveConnections
	want := open - uint64(len(clients))
	for _, client := range clients {
		client.link.Gone(protocol.Disconnected)
	}
	deadline := time.Now().Add(timeout)
	for pause := 100 * time.Microsecond; ; {
		began := time.Now()
		open = h.Node.Stats(Tenant).ActiveConnections
		if open <= want {
			return nil
		}
		if began.After(deadline) {
			return fmt.Errorf("%d connections are open that have ended", open-want)
		}
		time.Sleep(max(pause, 4*time.Since(began))) // the look itself costs: it takes a fifth of the time at most
	}
}
