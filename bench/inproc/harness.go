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

// Tenant is the tenant of all clients.
const Tenant = "acme"

// window is how many clients may be connecting at once.
const window = 512

// Harness is a node and its clients. One goroutine uses it; any goroutine may call Publish.
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

// Limits are the limits that clients usually obey: the dialect's own, without the one on the number of connections.
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

// Close ends the node, the clients and the writers. It blocks until they have ended.
func (h *Harness) Close() {
	h.faults.expect()
	h.Node.Close()
	for _, w := range h.writers {
		w.stop()
	}
	h.writing.Wait()
}

// Entry is how a client connects: as which user, and which lines it sends once it is authenticated.
type Entry struct {
	User  string
	Lines []string
}

// Connect connects n clients, at most 512 of them at once, and blocks until all have received their replies. entry
// describes client i, from 0. It returns the clients, and the first error of any client.
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

// connect connects one client, as a server does with a socket that it accepts.
func (h *Harness) connect(user string) (*Client, error) {
	h.connected++
	remote := fmt.Sprintf("10.%d.%d.%d", h.connected>>16&255, h.connected>>8&255, h.connected&255)
	if why := h.Node.Admit(Tenant, h.dialect, remote, nil); why != nil {
		return nil, why
	}
	opened, why := h.dialect.Open(protocol.Handshake{Path: valtronics.Path, Remote: remote})
	if why != nil {
		return nil, why
	}
	client := &Client{writer: h.writers[int(h.connected)%len(h.writers)]}
	_, why = h.Node.Connect(actors.ConnectOptions{Tenant: Tenant, Dialect: h.dialect, Session: opened.Session,
		Remote: remote},
		func(l *actors.Conn) outbox.Transport { client.link = l; return client })
	if why != nil {
		return nil, why
	}
	return client, nil
}

// Ask has a client send lines, and blocks until the node has answered them.
func (h *Harness) Ask(client *Client, lines ...string) error {
	client.send(lines)
	return h.answered(h.asked)
}

// AskEach has each client send lines, without waiting for one client before the next, and blocks until all are
// answered.
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

// answered waits for so many replies since the beginning.
func (h *Harness) answered(pongs int64) error { return h.pongs.await(pongs, &h.faults) }

// Received is how many events all clients together have received since the beginning.
func (h *Harness) Received() int64 { return h.events.n.Load() }

// Await blocks until all clients together have received so many events since the beginning.
func (h *Harness) Await(events int64) error { return h.events.await(events, &h.faults) }

// Publish publishes and does not wait for the writers. Any goroutine may call it.
func (h *Harness) Publish(to actors.Target, ev *protocol.Event) (delivered int, err error) {
	receipt, err := h.Node.Publish(context.Background(), Tenant, to, ev)
	return receipt.Delivered, err
}

// Deliver publishes and blocks until the last client has received the event. It returns how many clients that are and
// how long it took.
func (h *Harness) Deliver(to actors.Target, ev *protocol.Event) (delivered int, took time.Duration, err error) {
	before, began := h.Received(), time.Now()
	if delivered, err = h.Publish(to, ev); err == nil {
		err = h.Await(before + int64(delivered))
	}
	return delivered, time.Since(began), err
}

// Disconnect ends the sockets of clients and blocks until the node has forgotten them.
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
