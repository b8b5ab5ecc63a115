package main

import (
	"sync"

	"github.com/lxzan/gws"
)

// window is after how many publishes one waits for all queues.
const window = 64

// room is all sockets.
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
func (r *hub) OnOpen(c *gws.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[c] = len(r.sockets)
	r.sockets = append(r.sockets, c)
}

// OnClose is called by gws.
func (r *hub) OnClose(c *gws.Conn, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, last := r.at[c], len(r.sockets)-1
	r.sockets[i] = r.sockets[last]
	r.at[r.sockets[i]] = i
	r.sockets[last] = nil
	r.sockets = r.sockets[:last]
	delete(r.at, c)
}

// OnMessage is called by gws. The echo tells a client that it is in the room; the end of its handshake does not.
func (r *hub) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

// publish sends text to all sockets and returns how many queues took it. gws keeps text until it is written.
func (r *hub) publish(text []byte) (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := gws.NewBroadcaster(gws.OpcodeText, text)
	defer b.Close()
	for _, c := range r.sockets {
		if b.Broadcast(c) == nil {
			count++
		}
	}
	if r.published++; r.published%window == 0 {
		r.wait()
	}
	return count
}

// wait waits until all queues have done what is in them.
func (r *hub) wait() {
	var queues sync.WaitGroup
	queues.Add(len(r.sockets))
	for _, c := range r.sockets {
		c.Async(queues.Done)
	}
	queues.Wait()
}
