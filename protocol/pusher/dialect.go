package pusher

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is where clients connect; they name the app by its key.
const Path = "/app/{key}"

// Dialect is the protocol of Pusher Channels.
type Dialect struct {
	config Config
	secret [sha256.Size]byte // makes the ids of sockets, so that none of another process is one of this
}

// New returns the dialect. A configuration that Config.Check refuses is replaced by the default.
func New(config Config) *Dialect {
	if config.Check() != nil {
		config = DefaultConfig()
	}
	d := &Dialect{config: config}
	_, _ = rand.Read(d.secret[:]) // it never fails
	return d
}

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "pusher" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string { return []string{Path} }

// Limits implements protocol.Dialect.
func (d *Dialect) Limits() protocol.Limits {
	c := &d.config
	return protocol.Limits{Frame: c.FrameBytes, Rate: c.MessagesPerSecond, Burst: c.MessagesPerSecond,
		Subscriptions: c.Channels}
}

// Open implements protocol.Dialect. Clients do not read why an upgrade is refused, so all is said behind it.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	s := &session{dialect: d, key: strings.Clone(hello.PathValue("key"))}
	switch version, err := strconv.Atoi(hello.Query.Get("protocol")); {
	case !hello.Query.Has("protocol"):
		s.refused = refuse(noProtocol, "No protocol version supplied")
	case err != nil || version < 5 || version > 7:
		s.refused = refuse(unsupportedProtocol, "Unsupported protocol version")
	}
	return protocol.Opened{Session: s}, nil
}

// socketID names a connection to its client, and to backends that sign for it. A signature holds for one connection:
// the second half cannot be guessed and is another one after a restart.
func (d *Dialect) socketID(number uint64) string {
	mac := hmac.New(sha256.New, d.secret[:])
	var text [8]byte
	binary.BigEndian.PutUint64(text[:], number)
	mac.Write(text[:])
	return strconv.FormatUint(number, 10) + "." + strconv.FormatUint(binary.BigEndian.Uint64(mac.Sum(nil)), 10)
}

// ConnectionOf is the connection that a socket id names, as events exclude it; "" if it names none.
func ConnectionOf(socketID string) string {
	number, rest, ok := strings.Cut(socketID, ".")
	_, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || rest == "" || strings.Trim(rest, "0123456789") != "" {
		return ""
	}
	return "ws-" + number
}
