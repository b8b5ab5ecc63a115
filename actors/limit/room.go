package limit

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Room says whether a tenant that has so many open connections, at most as many as most says (0 is no limit), and so
// many of a dialect, has room for one more of that dialect; nil admits.
func Room(d protocol.Dialect, open, most, ofDialect int64, asked *decision.Record) (err *protocol.Refusal) {
	dialectMost := int64(d.Limits().Connections)
	switch {
	case !asked.Number(decision.Connections, int(most), most <= 0 || open < most):
		err = protocol.Refuse(protocol.Busy, "the tenant has %d connections, which is its limit (connections)", most)
		err.Rule = "connections"
	case !asked.Number(decision.DialectConnections, int(dialectMost), dialectMost <= 0 || ofDialect < dialectMost):
		err = protocol.Refuse(protocol.Busy,
			"there are %d %s connections, which is the limit (connections)", dialectMost, d.Name())
		err.Rule = "dialect_connections"
	default:
		return nil
	}
	err.RetryAfter = 10 * time.Second
	return err
}
