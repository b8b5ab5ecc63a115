package firstframe

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Alone is a dialect on paths that it has to itself at one address, which may differ from its own Paths. Connections
// become the dialect's own, so that all addresses share its frames, counts and limits.
func Alone(dialect protocol.Dialect, paths ...string) protocol.Dialect { return &alone{dialect, paths} }

type alone struct {
	protocol.Dialect
	paths []string
}

// Paths implements protocol.Dialect.
func (a *alone) Paths() []string { return slices.Clone(a.paths) }

// Open implements protocol.Dialect.
func (a *alone) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	opened, refusal := a.Dialect.Open(hello)
	if refusal != nil {
		return protocol.Opened{}, refusal
	}
	opened.Session = arrival{opened.Session, a.Dialect}
	return opened, nil
}

// arrival is a session until its connection is open.
type arrival struct {
	protocol.Session
	dialect protocol.Dialect
}

// OnOpen implements protocol.Session.
func (a arrival) OnOpen(now time.Time, number uint64) []protocol.Command {
	command := protocol.SwitchDialect{Dialect: a.dialect, Session: a.Session}
	return append([]protocol.Command{command}, a.Session.OnOpen(now, number)...)
}
