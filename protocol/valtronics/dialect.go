package valtronics

import (
	"embed"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is the primary endpoint; it subscribes to nothing by itself.
const Path = "/ws"

// channel is one of the four streams; its name is its topic.
type channel string

const (
	telemetry channel = "telemetry"
	alerts    channel = "alerts"
	devices   channel = "devices"
	system    channel = "system"
)

// channels are all of them, with the path of each one's own endpoint below Path.
var channels = []channel{telemetry, alerts, devices, system}

// channelOf finds the channel that has this name.
func channelOf(name string) (channel, bool) {
	for _, ch := range channels {
		if string(ch) == name {
			return ch, true
		}
	}
	return "", false
}

// Dialect is Valtronics' protocol.
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
func (*Dialect) Name() string { return "valtronics" }

// Paths implements protocol.Dialect.
func (*Dialect) Paths() []string {
	paths := []string{Path}
	for _, ch := range channels {
		paths = append(paths, Path+"/"+string(ch))
	}
	return paths
}

// Limits implements protocol.Dialect.
func (d *Dialect) Limits() protocol.Limits {
	c := &d.config
	return protocol.Limits{
		Frame: c.FrameBytes, Rate: c.MessagesPerSecond, Burst: max(c.MessagesPerSecond, c.BatchItems),
		Login:         c.LoginTimeout,
		Subscriptions: c.Subscriptions, Connections: c.Connections, PerUser: c.ConnectionsPerUser,
		Connects: c.ConnectsPerMinute,
	}
}

// Open implements protocol.Dialect. The token comes in a frame.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	s := &session{dialect: d}
	if len(hello.Path) > len(Path) {
		s.own, _ = channelOf(hello.Path[len(Path)+1:])
	}
	return protocol.Opened{Session: s}, nil
}

// Recognises reports whether a client's first frame speaks Valtronics: an object whose type is a text.
func (*Dialect) Recognises(frame []byte) bool {
	members, err := rawjson.ReadObject(frame)
	_, isText := rawjson.Text(rawjson.Find(members, "type"))
	return err == nil && isText
}
