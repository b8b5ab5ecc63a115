package tap

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/tap"
)

// Shown is a frame as operators see it.
type Shown struct {
	Time       time.Time       `json:"time"`
	Direction  string          `json:"direction"` // in: from the client; out: to the client
	Kind       string          `json:"kind"`      // text, binary, ping or pong
	Raw        string          `json:"raw"`       // what was on the wire, but for what is hidden
	Decoded    json.RawMessage `json:"decoded"`   // the same as JSON; null if it is none
	Connection string          `json:"connection,omitempty"`
	User       string          `json:"user,omitempty"`
	Dialect    string          `json:"dialect"`
}

var kinds = map[outbox.Op]string{
	outbox.Text: "text", outbox.Binary: "binary", outbox.Ping: "ping", outbox.Pong: "pong",
}

// Show hides what is secret in a frame.
func Show(f tap.Frame) Shown {
	s := Shown{
		Time: f.Time, Direction: "out", Kind: kinds[f.Op], Decoded: json.RawMessage("null"),
		Connection: f.Source.Connection, User: f.Source.User, Dialect: f.Source.Dialect,
	}
	if f.In {
		s.Direction = "in"
	}
	redacted, ok := redact(f.Data, f.Login, f.Tokens)
	switch {
	case ok:
		s.Raw = string(redacted)
		if json.Valid(redacted) {
			s.Decoded = redacted
		}
	case harmless(f):
		s.Raw = string(f.Data)
	default:
		s.Raw = fmt.Sprintf("[withheld: %d bytes that are not JSON]", len(f.Data))
	}
	return s
}

// harmless reports whether a frame that is not JSON holds no credential: a client's is one of the known words, and the
// server's has nothing that tells of one.
func harmless(f tap.Frame) bool {
	if f.In {
		word := string(f.Data)
		return word == "" || word == "ping" || word == "pong"
	}
	return utf8.Valid(f.Data) && !tellsOfSecret(string(f.Data))
}
