package centrifuge

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Times of a connection, as Centrifugo has them.
const (
	pingEvery = 25 * time.Second
	pongIn    = 8 * time.Second  // a client that takes longer is gone
	grace     = 25 * time.Second // a client has to show a new token when its old one has expired
)

// timing is what a connection waits for.
type timing struct {
	pingAt  time.Time // zero before connect
	pongBy  time.Time // zero if no ping waits for its pong
	expires time.Time // when its token does; zero for never
}

// begin sets the first ping, at a time of the connection's own, so that those who came at once are not asked at once.
func (t *timing) begin(now time.Time, number uint64) {
	const steps = 1024
	t.pingAt = now.Add(pingEvery/2 + time.Duration(number*2654435761%steps)*(pingEvery/2)/steps)
}

// schedule has the engine call OnTick when the next thing is due.
func (t *timing) schedule(now time.Time) protocol.SetInterval {
	next := t.pingAt
	if !t.pongBy.IsZero() && t.pongBy.Before(next) {
		next = t.pongBy
	}
	if !t.expires.IsZero() && t.expires.Add(grace).Before(next) {
		next = t.expires.Add(grace)
	}
	return protocol.SetInterval{Every: max(next.Sub(now), time.Millisecond)}
}

var ping = protocol.Send{Text: []byte("{}")}

// OnTick implements protocol.Session.
func (t *timing) OnTick(now time.Time) []protocol.Command {
	switch {
	case !t.pongBy.IsZero() && !now.Before(t.pongBy):
		return []protocol.Command{noPong}
	case !t.expires.IsZero() && !now.Before(t.expires.Add(grace)):
		return []protocol.Command{expired}
	case now.Before(t.pingAt):
		return []protocol.Command{t.schedule(now)}
	}
	t.pongBy, t.pingAt = now.Add(pongIn), now.Add(pingEvery)
	return []protocol.Command{ping, t.schedule(now)}
}

// appendTTL adds how long a token holds, in whole seconds; nothing is added for one that does not expire.
func appendTTL(text []byte, now, expires time.Time) []byte {
	if expires.IsZero() {
		return text
	}
	ttl := max(int64((expires.Sub(now)+time.Second-1)/time.Second), 1)
	return appendMemberInt(append(text, `"expires":true,`...), "ttl", uint64(ttl))
}
