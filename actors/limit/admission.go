package limit

import (
	"sync"
	"sync/atomic"
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
