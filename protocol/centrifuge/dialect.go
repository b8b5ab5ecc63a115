package centrifuge

import (
	"embed"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is where clients connect.
const Path = "/connection/websocket"

// Bounds of a connection. Centrifugo has the same for a message, for the channels and for the time until connect.
const (
	maxFrame    = 64 << 10 // bytes
	maxChannels = 128
	connectIn   = 10 * time.Second
	rate, burst = 500, 1000 // commands a second
)

// The subprotocols that clients offer.
const (
	jsonProtocol     = "centrifuge-json"
	protobufProtocol = "centrifuge-protobuf"
)

// Dialect is the client protocol of Centrifugo.
type Dialect struct{ config Config }

// New returns the dialect.
func New(config Config) *Dialect { return &Dialect{config: config} }

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "centrifuge" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string { return []string{Path} }

// Limits implements protocol.Dialect.
func (*Dialect) Limits() protocol.Limits {
	return protocol.Limits{Frame: maxFrame, Rate: rate, Burst: burst, Login: connectIn, Subscriptions: maxChannels}
}

// Open implements protocol.Dialect. The client shows its token in its first command. A client that speaks protobuf
// alone is refused.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	opened, offered := protocol.Opened{Session: &session{dialect: d}}, hello.Subprotocols()
	switch {
	case slices.Contains(offered, jsonProtocol):
		opened.Subprotocol = jsonProtocol
	case slices.Contains(offered, protobufProtocol), hello.Query.Get("format") == "protobuf",
		hello.Query.Get("cf_protocol") == "protobuf":
		return protocol.Opened{}, protocol.Refuse(protocol.UnknownType, "protobuf is not spoken here; use JSON")
	}
	return opened, nil
}
