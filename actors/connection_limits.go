package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/protocol"
)

// peer is who the connection speaks for, as its limits count it.
func (l *Conn) peer() limit.Peer { return limit.Peer{User: l.user(), Address: l.remote} }

// admit counts what the connection brings against all rates, and a refusal among the drops. struck says that it is the
// connection itself, its user or its address that is too fast.
func (c *connection) admit(much limit.Load, now time.Time) (why *protocol.Refusal, struck bool) {
	why, struck = c.limits.Admit(c.tenant().limits, c.peer(), much, c.node.wheel.Since(now))
	if why != nil {
		c.node.dropped(protocol.RateLimited, 1)
	}
	return why, struck
}

// rejectMessage tells the client that a message was over a rate and is not read, or ends the connection if that goes on.
func (c *connection) rejectMessage(why *protocol.Refusal, struck bool, now time.Time) {
	if struck && c.limits.Strike(c.node.wheel.Since(now)) {
		c.end(endConnection{why: why})
		return
	}
	c.run(c.session.OnReject(now, why, false))
}
