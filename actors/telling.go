package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// These are the parts of a connection and of a user that tell of themselves (lifecycle.go). Where nobody is told, each
// costs one look at a pointer.

// tells posts one thing that happened, if it is wanted.
func (c *tenantCore) tells(news protocol.Lifecycle) {
	if l := c.life.Load(); l != nil && l.wants(news.Happening) {
		news.Time = time.Now()
		l.post(news)
	}
}

// tells tells of the connection, while it is one of its user.
func (c *connection) tells(news protocol.Lifecycle) {
	t := c.tenant()
	if c.present && t.life.Load() != nil {
		news.User, news.Connection, news.Dialect = c.user(), c.ID(), c.dialect().Name()
		t.tells(news)
	}
}

// arrive says that the connection is one of its user.
func (c *connection) arrive() {
	c.present = true
	c.tells(protocol.Lifecycle{Happening: protocol.Connected})
}

// depart says that it is none any more: before it leaves its user, so that the user is offline after that. Only the
// first reason counts. code 0 is the reason's own.
func (c *connection) depart(why protocol.Reason, code uint16, byServer bool) {
	if c.present && c.tenant().life.Load() != nil {
		now := c.figures(time.Now())
		if code == 0 {
			code = why.CloseCode()
		}
		c.tells(protocol.Lifecycle{Happening: protocol.Disconnection, Left: &protocol.Leaving{
			Reason: why, Code: code, ByServer: byServer, Lingers: !byServer && c.mayReturn(why),
			Lasted: now.Lifetime, Received: now.MessagesReceived, Sent: now.MessagesSent,
		}})
	}
	c.present = false
}

// subscribed says which topics the connection hears from now on.
func (c *connection) subscribed(restored bool, topics ...string) {
	if c.present && c.tenant().life.Load() != nil {
		for _, topic := range topics {
			c.tells(protocol.Lifecycle{Happening: protocol.Subscribed, Topic: topic, Restored: restored})
		}
	}
}

// wantedNow are the topics that the connection wants, for unsubscribed; nil if nobody is told.
func (c *connection) wantedNow() []string {
	if c.tenant().life.Load() == nil {
		return nil
	}
	return c.hears.wanted()
}

// unsubscribed says which of the topics that it wanted before the connection does not want any more.
func (c *connection) unsubscribed(before []string) {
	for _, topic := range before {
		if _, still := c.hears.find(topic); !still {
			c.tells(protocol.Lifecycle{Happening: protocol.Unsubscribed, Topic: topic})
		}
	}
}

// closing finds how the client is told of an end, among the words of its dialect; 0 if they do not say.
func closing(words []protocol.Command) uint16 {
	i := slices.IndexFunc(words, func(cmd protocol.Command) bool { _, ok := cmd.(protocol.Close); return ok })
	if i < 0 {
		return 0
	}
	return words[i].(protocol.Close).Code
}

// reasonFor is the reason of an end that the session itself asks for.
func reasonFor(cmd protocol.Close) protocol.Reason {
	if why := protocol.Reason(cmd.Reason); why.Known() {
		return why
	}
	return protocol.Disconnected
}

// online says that the user has a first connection, or with false that it lost its last.
func (u *user) online(is bool) {
	news := protocol.Lifecycle{Happening: protocol.UserOffline, User: u.name}
	if is {
		news.Happening = protocol.UserOnline
	}
	u.tenant.tells(news)
}
