package main

import (
	"sync"

	"github.com/lxzan/gws"
)

// window is after how many publishes one waits for all queues.
const window = 64

// hub holds all sockets.
type hub struct {
	gws.BuiltinEventHandler

	mu sync.Mutex // held during a publish, which gives all sockets one order
	// Guarded by mu.
	sockets   []*gws.Conn
	at        map[*gws.Conn]int // in sockets
	published int
}

func newHub() *hub { return &hub{at: map[*gws.Conn]int{}} }

// OnOpen is called by gws.
func (h *hub) OnOpen(c *gws.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at[c] = len(h.sockets)
	h.sockets = append(h.sockets, c)
}

// OnClose is called by gws.
func (h *hub) OnClose(c *gws.Conn, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, last := h.at[c], len(h.sockets)-1
	h.sockets[i] = h.sockets[last]
	h.at[h.sockets[i]] = i
	h.sockets[last] = nil
	h.sockets = h.sockets[:last]
	delete(h.at, c)
}

// OnMessage is called by gws. The echo tells a client that it is in the hub; the end of its handshake does not.
func (h *hub) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

// publish sends text to all sockets and returns how many queues took it. gws keeps text until it is written.
func (h *hub) publish(text []byte) (count int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := gws.NewBroadcaster(gws.OpcodeText, text)
	defer b.Close()
	for _, c := range h.sockets {
		if b.Broadcast(c) == nil {
			count++
		}
	}
	if h.published++; h.published%window == 0 {
		h.wait()
	}
	return count
}

// wait waits until all queues have done what is in them.
func (h *hub) wait() {
	var queues sync.WaitGroup
	queues.Add(len(h.sockets))
	for _, c := range h.sockets {
		c.Async(queues.Done)
	}
	queues.Wait()
}
