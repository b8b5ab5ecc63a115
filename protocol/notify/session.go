package notify

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-realtime/parley/protocol"
)

// session is one page. It never says anything.
type session struct {
	// the token of the handshake, until the socket is open; nil for what cannot be shown twice
	shown    *protocol.Credential
	reported bool // that a frame was no JSON
}

// OnOpen implements protocol.Session. The token that held a moment ago is shown once more, so that the connection
// outlives it; a ticket is spent, and its connection ends with the token that it was made for.
func (s *session) OnOpen(time.Time, uint64) []protocol.Command {
	if s.shown == nil {
		return nil
	}
	credential := *s.shown
	s.shown = nil
	return []protocol.Command{protocol.Authenticate{Credential: credential, IgnoreExpiry: true}}
}

// Receive implements protocol.Session. All frames are ignored. A report does not quote the frame: it may be a
// secret.
func (s *session) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	if s.reported || !in.Binary && jsontext.Value(in.Data).IsValid() {
		return 1, nil
	}
	s.reported = true
	return 1, []protocol.Command{protocol.Report{Kind: "malformed", Warn: true,
		Data: fmt.Appendf(nil, "a frame of %d bytes is no JSON", len(in.Data))}}
}

// Answer implements protocol.Session. A token that no longer holds leaves the connection to the end that the engine has
// for it.
func (*session) Answer(protocol.Command, protocol.Outcome) []protocol.Command { return nil }

// OnTick implements protocol.Session. There is none.
func (*session) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session. There are no words but the close frame.
func (*session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return nil
	}
	return protocol.End(refusal, nil)
}
