package actors

import (
	"cmp"
	"time"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// end closes the connection in its dialect's words.
func (c *connection) end(m endConnection) {
	if c.closing {
		return
	}
	c.subscriptions.collect(&c.Conn)
	c.afterEvents = m.err.Reason != protocol.Slow // a slow reader would not get it behind the rest
	words := c.session.OnReject(time.Now(), m.err, true)
	detail := m.err.Detail
	if asked := m.err.Close; asked != nil && asked.Reason != string(m.err.Reason) {
		detail = asked.Reason
	}
	c.registration.disconnected(&c.Conn, recorder.Close{
		Code: closing(words), Reason: m.err.Reason, Detail: detail, Rule: m.err.Rule})
	c.run(words)
	c.close(m.err.Reason.CloseCode(), string(m.err.Reason))
}

// endIf ends the connection if broken is not nil.
func (c *connection) endIf(broken *protocol.Refusal) {
	if broken != nil {
		c.end(endConnection{err: broken})
	}
}

// close has the transport close the socket once what waits is written, and leaves topics and user at once.
func (c *connection) close(code uint16, reason string) {
	if !c.closing {
		c.closing = true
		c.stopReading()
		c.subscriptions.collect(&c.Conn)
		c.leave()
		c.outbox.Release()
		c.outbox.Transport().Close(code, reason)
	}
}

// leave unregisters the connection from its topics and its user: it gets no frame that is offered from now on.
func (c *connection) leave() {
	c.subscriptions.leave(&c.Conn)
	c.resume.GiveUp(c.node.totals)
	c.registration.leave(&c.Conn)
}

// finish is the end of what the client says. All of it is handled, since the mailbox is in order. The transport closes
// the socket once the answers are written; the connection gets no events from now on.
func (c *connection) finish(m finish) {
	if !c.closing {
		c.closing = true
		c.registration.disconnected(&c.Conn, recorder.Broken(m.reason))
		c.subscriptions.collect(&c.Conn)
		c.leave()
		c.outbox.Release()
	}
	m.then()
}

// ended is the end of the socket.
func (c *connection) ended(reason protocol.Reason) {
	c.closing = true
	if c.silent {
		reason = protocol.Silent
	}
	c.registration.disconnected(&c.Conn, recorder.Broken(reason))
	if c.registration.mayReturn(&c.Conn, reason) {
		c.subscriptions.detachAll(&c.Conn)
	}
	c.leave()
	c.node.totals.Dropped(reason, c.outbox.Close())
	c.node.log.Debug("a connection ended", "tenant", c.tenant().name, "connection", c.ID(), "user", c.user(),
		"dialect", c.dialect().Name(), "why", reason, "lasted", time.Since(c.since()))
}

// stopped is the end of the actor: the usual one, or the one after a failure, when the socket still lives.
func (c *connection) stopped() {
	c.closing = true
	c.stopReading()
	c.registration.disconnected(&c.Conn, recorder.Close{Reason: protocol.Internal})
	c.leave()
	if !c.flags.has(isGone) {
		c.outbox.Transport().Close(protocol.Internal.CloseCode(), string(protocol.Internal))
	}
	c.node.totals.Dropped(protocol.Internal, c.outbox.Close())
	c.registration.loggedIn(&c.Conn)
	recording{&c.Conn}.ended()
	c.box.Close(errNoConnection)
	c.post.Load().left(&c.Conn)
	c.flags.set(isOut)
	c.node.system.Done()
}

// replaced is what the older connection of a client is told.
const replaced = "replaced by a newer connection of the same client"

// takeOver ends this connection, since its client has come back with another one.
func (c *connection) takeOver() {
	if c.closing || !c.registration.resumable(&c.Conn) {
		return
	}
	c.registration.disconnected(&c.Conn, recorder.Close{
		Reason: protocol.Disconnected, Detail: replaced, Rule: "resume"})
	left := c.subscriptions.detachAll(&c.Conn)
	if !left.AwaitFlush() {
		c.outbox.Transport().Cut()
	}
	code := protocol.Disconnected.CloseCode()
	c.end(ending(protocol.Disconnected, code, replaced))
}

// ending is the message that asks a connection to end. code 0 leaves code and text to the dialect.
func ending(reason protocol.Reason, code uint16, text string) endConnection {
	err := &protocol.Refusal{Reason: reason}
	if code != 0 {
		err.Close = &protocol.Close{Code: code, Reason: cmp.Or(text, string(reason))}
	}
	return endConnection{err}
}

// recording is the part of a connection that tells the recorder how it ended, and which logins were refused.
type recording struct{ *Conn }

// decide keeps how the connection ends, with what waits for it now. Only the first ending counts.
func (r recording) decide(end recorder.Close) {
	if !r.Decided() {
		now := r.outbox.Stats()
		end.QueuedFrames, end.QueuedBytes = now.QueuedFrames, now.QueuedBytes
		r.Decide(end)
	}
}

// ended records the connection, which has ended.
func (r recording) ended() {
	if r.tenant().name == canaryTenant || !r.node.recorder.On() {
		return
	}
	e := r.entry()
	e.InMessages, e.InBytes = r.inMessages.Load(), r.inBytes.Load()
	sent := r.outbox.Stats()
	e.OutMessages, e.OutBytes = sent.SentFrames, sent.SentBytes
	r.mu.Lock()
	e.Last = r.last
	r.mu.Unlock()
	r.node.recorder.Ended(e)
}

// refused records a login that was refused.
func (r recording) refused(err *protocol.Refusal) {
	if r.node.recorder.On() {
		e := r.entry()
		e.Login, e.Close = true, recorder.Close{
			Code: err.Reason.CloseCode(), Reason: err.Reason, Detail: err.Detail, Rule: err.Rule}
		r.node.recorder.Refused(e)
	}
}

// entry is what each entry of the connection has.
func (r recording) entry() recorder.Entry {
	e := recorder.Entry{User: r.user(), Connection: r.ID(), Remote: r.remote, Dialect: r.dialect().Name(),
		Opened: r.since(), Closed: time.Now()}
	if name := r.tenant().name; !isInternal(name) {
		e.Tenant = name
	}
	r.End(&e)
	return e
}
