package valtronics

import (
	"errors"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what Valtronics obeys. The defaults are the figures of its document where it has any.
type Config struct {
	// Enabled has Valtronics spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// ConnectionsPerUser, Connections and ConnectsPerMinute bound connections of one user, of all, and new ones of one
	// user or, before the user is known, of one address (default 100, 1000, 10). 0 is no limit.
	ConnectionsPerUser int `yaml:"connections_per_user" env:"CONNECTIONS_PER_USER" envDefault:"100" unit:"connections"`
	Connections        int `yaml:"connections" env:"CONNECTIONS" envDefault:"1000" unit:"connections"`
	ConnectsPerMinute  int `yaml:"connects_per_minute" env:"CONNECTS_PER_MINUTE" envDefault:"10" unit:"connects"`
	// MessagesPerSecond bounds what one connection sends, batch items counted one by one (default 100). 0 is no limit.
	MessagesPerSecond int `yaml:"messages_per_second" env:"MESSAGES_PER_SECOND" envDefault:"100" unit:"messages"`
	// MessageBytes bounds one message, alone or in a batch, from 64 to FrameBytes (default 1024).
	MessageBytes int `yaml:"message_bytes" env:"MESSAGE_BYTES" envDefault:"1024" unit:"bytes"`
	// BatchItems bounds the messages of a batch, from 1 to 1000 (default 50).
	BatchItems int `yaml:"batch_items" env:"BATCH_ITEMS" envDefault:"50" unit:"messages"`
	// FrameBytes bounds a frame, which may be a batch, from 1024 to 1048576 (default 65536).
	FrameBytes int `yaml:"frame_bytes" env:"FRAME_BYTES" envDefault:"65536" unit:"bytes"`
	// Subscriptions bounds what one connection subscribes to, each device counted, from 1 to 100000 (default 1000).
	Subscriptions int `yaml:"subscriptions" env:"SUBSCRIPTIONS" envDefault:"1000" unit:"subscriptions"`
	// LoginTimeout is how long a connection may stay without a valid token, from 1s to 1h (default 14s).
	LoginTimeout time.Duration `yaml:"login_timeout" env:"LOGIN_TIMEOUT" envDefault:"14s" unit:"duration"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled":              "Whether Valtronics is spoken.",
		"connections_per_user": "How many connections one user may have at once; 0 is no limit.",
		"connections":          "How many connections there may be at once; 0 is no limit.",
		"connects_per_minute": "How often one user, or one address before the user is known, may connect in a " +
			"minute; " +
			"0 is no limit.",
		"messages_per_second": "How many messages one connection may send in a second, each item of a batch counted; " +
			"0 is no limit.",
		"message_bytes": "The largest message, alone or in a batch; from 64 to frame_bytes. " +
			"An auth may be as large as a token may be.",
		"batch_items":   "How many messages a batch may hold; from 1 to 1000.",
		"frame_bytes":   "The largest frame, which may be a batch; from 1024 to 1048576.",
		"subscriptions": "How much one connection may subscribe to, each device counted; from 1 to 100000.",
		"login_timeout": "How long a connection may stay without a valid token; from 1s to 1h.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{
		Enabled: true, ConnectionsPerUser: 100, Connections: 1000, ConnectsPerMinute: 10, MessagesPerSecond: 100,
		MessageBytes: 1024, BatchItems: 50, FrameBytes: 64 << 10, Subscriptions: 1000, LoginTimeout: 14 * time.Second,
	}
}

// Check implements protocol.Settings.
func (c Config) Check() error {
	const most = 1 << 30
	return errors.Join(
		protocol.CheckRange("connections_per_user", c.ConnectionsPerUser, 0, most),
		protocol.CheckRange("connections", c.Connections, 0, most),
		protocol.CheckRange("connects_per_minute", c.ConnectsPerMinute, 0, most),
		protocol.CheckRange("messages_per_second", c.MessagesPerSecond, 0, most),
		protocol.CheckRange("frame_bytes", c.FrameBytes, 1024, 1<<20),
		protocol.CheckRange("message_bytes", c.MessageBytes, 64, c.FrameBytes),
		protocol.CheckRange("batch_items", c.BatchItems, 1, 1000),
		protocol.CheckRange("subscriptions", c.Subscriptions, 1, 100_000),
		protocol.CheckRange("login_timeout", c.LoginTimeout, time.Second, time.Hour),
	)
}

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Develop implements protocol.DevSettings: dev mode has no limits of connections.
func (c *Config) Develop() { c.Connections, c.ConnectionsPerUser, c.ConnectsPerMinute = 0, 0, 0 }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }
