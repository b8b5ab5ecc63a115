package airlay

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Own is AirLay on a listener of its own, where nobody else answers on /. dialect is what New returned, or what stands
// for it on the shared listener; connections become its own, so that both listeners share frames, counts and limits.
func Own(dialect protocol.Dialect) protocol.Dialect { return own{dialect} }

type own struct{ protocol.Dialect }

// Paths implements protocol.Dialect.
func (own) Paths() []string { return []string{"/", Path} }

// Open implements protocol.Dialect.
func (o own) Open(hello protocol.Hello) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	s, credential, why := o.Dialect.Open(hello)
	if why != nil {
		return nil, nil, why
	}
	return arrival{s, o.Dialect}, credential, nil
}

// arrival is a session until its connection is open.
type arrival struct {
	protocol.Session
	dialect protocol.Dialect
}

// Opened implements protocol.Session.
func (a arrival) Opened(now time.Time, number uint64) []protocol.Command {
	become := protocol.Become{Dialect: a.dialect, Session: a.Session}
	return append([]protocol.Command{become}, a.Session.Opened(now, number)...)
}
