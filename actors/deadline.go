package actors

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// due does what is due on a connection: the end of an unfinished login, the end of a token, the dialect's heartbeat,
// the ping, and the end of a peer that has been silent. All of them share one entry in the wheel.
func (c *connection) due(now time.Time) {
	at := c.node.wheel.since(now)
	if c.ringAt <= at {
		c.ringAt = 0
	}
	if c.closing {
		return
	}
	switch {
	case passed(c.until, at) && !c.joined:
		c.end(end{why: protocol.Refuse(protocol.AuthTimeout, "no valid token came within %s", c.dialect().Limits().Login)})
		return
	case passed(c.until, at):
		c.end(end{why: &protocol.Refusal{Reason: protocol.TokenExpired}})
		return
	case at >= c.silentAt():
		c.node.dropped(protocol.Silent, 1)
		c.silent = true
		c.outbox.wire.Cut()
		return
	}
	if passed(c.beatAt, at) {
		c.beatAt += int64(c.beatEvery)
		if c.beatAt <= at { // the process slept: do not make up for it
			c.beatAt = at + int64(c.beatEvery)
		}
		c.run(c.session.Beat(now))
		c.said()
	}
	if c.closing {
		return
	}
	if passed(c.pingAt, at) {
		c.pingAt = at + int64(c.node.cfg.PingEvery)
		c.outbox.Reply(Ping, nil)
	}
	c.arm()
}

func passed(deadline, now int64) bool { return deadline != 0 && deadline <= now }

// silentAt is when the peer is gone if nothing is heard of it until then. The next ping is before that, as long as it answers,
// so that it costs no alarm of its own.
func (c *connection) silentAt() int64 { return c.heard.Load() + int64(c.node.cfg.Timeout) }

// beat sets the interval of the dialect's heartbeat.
func (c *connection) beat(every time.Duration) {
	c.beatEvery, c.beatAt = every, 0
	if every > 0 {
		c.beatAt = c.node.wheel.since(time.Now().Add(every))
	}
	c.arm()
}

// arm has the wheel ring at the next deadline, if it does not ring before.
func (c *connection) arm() {
	next := min(c.pingAt, c.silentAt())
	for _, at := range [...]int64{c.until, c.beatAt} {
		if at != 0 && at < next {
			next = at
		}
	}
	if c.closing || c.ringAt != 0 && c.ringAt <= next {
		return
	}
	c.ringAt = next
	c.node.wheel.armSince(next, &c.Link)
}
