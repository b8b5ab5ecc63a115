package airlay

import (
	"embed"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is where AirLay is reached, on any listener.
const Path = "/ws"

// Dialect is AirLay's protocol.
type Dialect struct{ config Config }

// New returns the dialect. A configuration that Config.Check refuses is replaced by the default.
func New(config Config) *Dialect {
	if config.Check() != nil {
		config = DefaultConfig()
	}
	return &Dialect{config}
}

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "airlay" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string { return []string{Path} }

// PathsAlone implements protocol.ExtraPaths: on a listener of AirLay's own nobody else answers on /.
func (*Dialect) PathsAlone() []string { return []string{"/"} }

// Limits implements protocol.Dialect.
func (d *Dialect) Limits() protocol.Limits {
	c := &d.config
	return protocol.Limits{Frame: c.FrameBytes, Rate: c.RequestsPerSecond, Burst: c.RequestsPerSecond,
		Login: c.LoginTimeout, Subscriptions: c.Attachments}
}

// Open implements protocol.Dialect. The token comes with each request.
func (*Dialect) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: &session{}}, nil
}

// Recognises reports whether a client's first frame speaks AirLay: an object with an action, an auth, or an object
// event.
func (*Dialect) Recognises(frame []byte) bool {
	members, err := rawjson.ReadObject(frame)
	if err != nil {
		return false
	}
	event := rawjson.Find(members, "event")
	return rawjson.Find(members, "action") != nil || rawjson.Find(members, "auth") != nil || len(event) > 0 &&
		event[0] == '{'
}
