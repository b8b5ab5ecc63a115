package limit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Admission is the lock at which connections come in. While it is closed for a change, no connection comes in: so the
// ones that came in before can be found, and the ones that come later see the change. The zero Admission is open.
type Admission struct {
	entering sync.RWMutex // read while a connection comes in
	closed   atomic.Bool
}

// Enter begins the entry of one connection, and blocks while it is closed for a change.
func (a *Admission) Enter() { a.entering.RLock() }

// Leave ends the entry that Enter began.
func (a *Admission) Leave() { a.entering.RUnlock() }

// WhileClosed calls do while no connection is coming in. It blocks for those that are.
func (a *Admission) WhileClosed(do func()) {
	a.entering.Lock()
	defer a.entering.Unlock()
	do()
}

// Close closes it for good: whoever enters sees it Closed. When it returns, all connections that came in can be found.
func (a *Admission) Close() { a.WhileClosed(func() { a.closed.Store(true) }) }

// Closed reports whether it is closed for good.
func (a *Admission) Closed() bool { return a.closed.Load() }

// AdmitConnection says whether a tenant has room for one more connection of a dialect; nil admits. It has so many open
// ones, and so many of that dialect; most is how many may be open, 0 for no limit.
func AdmitConnection(
	d protocol.Dialect, open, most, ofDialect int64, asked *decision.Record,
) (err *protocol.Refusal) {
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
