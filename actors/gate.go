package actors

import (
	"sync"
	"sync/atomic"
)

// gate is where connections come in. Nobody does while something is changed at it: so who came in before can be found,
// and who comes later sees the change.
type gate struct {
	entering sync.RWMutex // read while a connection comes in
	draining atomic.Bool
}

// enter begins the coming in of one connection, entered ends it.
func (g *gate) enter()   { g.entering.RLock() }
func (g *gate) entered() { g.entering.RUnlock() }

// change does something that those who come in are to see.
func (g *gate) change(do func()) {
	g.entering.Lock()
	defer g.entering.Unlock()
	do()
}

// shut lets nobody in any more. When it returns, all who are in can be found.
func (g *gate) shut() { g.change(func() { g.draining.Store(true) }) }

// Draining reports whether the node lets nobody in any more.
func (g *gate) Draining() bool { return g.draining.Load() }
