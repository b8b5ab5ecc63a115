package actors

import (
	"sync"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
)

// gate is where connections come in. Nobody does while something is changed at it: so who came in before can be found,
// and who comes later sees the change.
type admission struct {
	entering sync.RWMutex // read while a connection comes in
	draining atomic.Bool
}

// enter begins the coming in of one connection, entered ends it.
func (g *admission) enter() { g.entering.RLock() }
func (g *admission) leave() { g.entering.RUnlock() }

// change does something that those who come in are to see.
func (g *admission) whileClosed(do func()) {
	g.entering.Lock()
	defer g.entering.Unlock()
	do()
}

// shut lets nobody in any more. When it returns, all who are in can be found.
func (g *admission) close() { g.whileClosed(func() { g.draining.Store(true) }) }

// Draining reports whether the node lets nobody in any more.
func (g *admission) Draining() bool { return g.draining.Load() }

// AdmitUnauthenticated says whether one more connection may come in that shows no credential with its handshake, before
// its socket is upgraded; nil admits. proxied says that remote is the address of many clients. Connect asks again.
func (n *Node) AdmitUnauthenticated(remote string, proxied bool) *protocol.Refusal {
	why := n.unauthenticated.Admit(remote, proxied)
	if why != nil {
		n.dropped(why.Reason, 1)
	}
	return why
}

// await counts the connection among those that have not said who they are.
func (m *registration) await(l *Conn, proxied bool) *protocol.Refusal {
	m.proxied = proxied
	why := l.node.unauthenticated.Take(l.remote, proxied)
	m.awaited = why == nil
	return why
}

// known takes the connection off that count, if it is on it.
func (m *registration) known(l *Conn) {
	if m.awaited {
		m.awaited = false
		l.node.unauthenticated.Leave(l.remote, m.proxied)
	}
}
