package actors

import (
	"github.com/parley-realtime/parley/protocol"
)

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
func (m *membership) await(l *Link, proxied bool) *protocol.Refusal {
	m.proxied = proxied
	why := l.node.unauthenticated.Take(l.remote, proxied)
	m.awaited = why == nil
	return why
}

// known takes the connection off that count, if it is on it.
func (m *membership) known(l *Link) {
	if m.awaited {
		m.awaited = false
		l.node.unauthenticated.Leave(l.remote, m.proxied)
	}
}
