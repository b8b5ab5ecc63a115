package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// These are the parts of a connection and of a user that tell of themselves (lifecycle.go). Where nobody is told, each
// costs one look at a pointer.

// tells posts one thing that happened, if it is wanted.
func (c *tenantCore) emit(news protocol.Lifecycle) {
	if l := c.lifecycle.Load(); l != nil && l.wants(news.Type) {
		news.Time = time.Now()
		l.post(news)
	}
}

// told reports whether somebody is told of the connection: it is one of its user, and its tenant's lifecycle is on.
func (m *registration) emits(l *Conn) bool { return m.present && l.tenant().lifecycle.Load() != nil }

// tells tells of the connection.
func (m *registration) emit(l *Conn, news protocol.Lifecycle) {
	if m.emits(l) {
		news.User, news.Connection, news.Dialect = l.user(), l.ID(), l.dialect().Name()
		l.tenant().emit(news)
	}
}

// arrive says that the connection is one of its user.
func (m *registration) connected(l *Conn) {
	m.present = true
	m.emit(l, protocol.Lifecycle{Type: protocol.Connected})
}

// depart says that it is none any more: before it leaves its user, so that the user is offline after that. Only the
// first reason counts. code 0 is the reason's own.
func (m *registration) disconnected(l *Conn, why protocol.Reason, code uint16, byServer bool) {
	if m.emits(l) {
		now := l.stats(time.Now())
		if code == 0 {
			code = why.CloseCode()
		}
		m.emit(l, protocol.Lifecycle{Type: protocol.Disconnection, Left: &protocol.Leaving{
			Reason: why, Code: code, ByServer: byServer, Lingers: !byServer && m.mayReturn(l, why),
			Lasted: now.Lifetime, Received: now.MessagesReceived, Sent: now.MessagesSent,
		}})
	}
	m.present = false
}

// subscribed says which topics the connection hears from now on.
func (m *registration) subscribed(l *Conn, restored bool, topics ...string) {
	for _, topic := range topics {
		m.emit(l, protocol.Lifecycle{Type: protocol.Subscribed, Topic: topic, Restored: restored})
	}
}

// unsubscribed says which of the topics that the connection wanted before it does not want now.
func (m *registration) unsubscribed(l *Conn, before []string, now fanout.Subscriptions) {
	for _, topic := range before {
		if _, still := now.Find(topic); !still {
			m.emit(l, protocol.Lifecycle{Type: protocol.Unsubscribed, Topic: topic})
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
	news := protocol.Lifecycle{Type: protocol.UserOffline, User: u.name}
	if is {
		news.Type = protocol.UserOnline
	}
	u.tenant.emit(news)
}
