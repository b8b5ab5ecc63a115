package dashboard

import (
	"embed"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is where the dashboard connects.
const Path = "/api/v2/dashboard/ws"

// projects is the topic of all projects.
const projects = "projects"

// Bounds of a connection. The document has a figure for the login alone. The rest is generous to pages (which send a
// token and pings) and narrow for floods.
const (
	login         = 5 * time.Second
	frame         = 64 << 10 // bytes, so that the largest of tokens fits
	rate          = 100      // messages a second
	subscriptions = 64       // projects that one token may name
)

// Dialect is the dashboard's protocol.
type Dialect struct {
	config Config
	// heartbeat is the interval, and its seconds as `connected` tells them.
	heartbeat time.Duration
	connected []byte
}

// New returns the dialect. A heartbeat out of bounds (see Config.Check) becomes the default.
func New(config Config) *Dialect {
	d := &Dialect{config: config, heartbeat: config.heartbeat()}
	d.connected = append(d.connected, `,"heartbeat_seconds":`...)
	d.connected = strconv.AppendInt(d.connected, int64(d.heartbeat/time.Second), 10)
	d.connected = append(d.connected, '}')
	return d
}

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "dashboard" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string { return []string{Path} }

// Limits implements protocol.Dialect.
func (*Dialect) Limits() protocol.Limits {
	return protocol.Limits{Frame: frame, Rate: rate, Burst: rate, Login: login, Subscriptions: subscriptions}
}

// Open implements protocol.Dialect. Tokens are checked after the upgrade, so that a browser can read what was wrong.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	if !d.config.Enabled {
		return protocol.Opened{}, protocol.Refuse(protocol.NotFound,
			"the dashboard's endpoint is switched off (dashboard.websocket_enabled)")
	}
	s := &session{dialect: d}
	if d.config.MultiTenant {
		s.token = strings.Clone(hello.LastQuery("token"))
	}
	return protocol.Opened{Session: s}, nil
}
