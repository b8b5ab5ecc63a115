package valtronics

import (
	"fmt"
	"time"
)

// Config is what Valtronics obeys. The defaults are the figures of its document where it has any.
type Config struct {
	// ConnectionsPerUser, Connections and ConnectsPerMinute bound connections of one user, of all, and new ones of one user
	// or, before the user is known, of one address (default 100, 1000, 10). 0 is no limit.
	ConnectionsPerUser int `yaml:"connections_per_user" env:"CONNECTIONS_PER_USER" envDefault:"100" unit:"connections" help:"How many connections one user may have at once; 0 is no limit."`
	Connections        int `yaml:"connections" env:"CONNECTIONS" envDefault:"1000" unit:"connections" help:"How many connections there may be at once; 0 is no limit."`
	ConnectsPerMinute  int `yaml:"connects_per_minute" env:"CONNECTS_PER_MINUTE" envDefault:"10" unit:"connects" help:"How often one user, or one address before the user is known, may connect in a minute; 0 is no limit."`
	// MessagesPerSecond bounds what one connection sends, batch items counted one by one (default 100). 0 is no limit.
	MessagesPerSecond int `yaml:"messages_per_second" env:"MESSAGES_PER_SECOND" envDefault:"100" unit:"messages" help:"How many messages one connection may send in a second, each item of a batch counted; 0 is no limit."`
	// MessageBytes bounds one message, alone or in a batch, from 64 to FrameBytes (default 1024).
	MessageBytes int `yaml:"message_bytes" env:"MESSAGE_BYTES" envDefault:"1024" unit:"bytes" help:"The largest message, alone or in a batch; from 64 to frame_bytes. An auth may be as large as a token may be."`
	// BatchItems bounds the messages of a batch, from 1 to 1000 (default 50).
	BatchItems int `yaml:"batch_items" env:"BATCH_ITEMS" envDefault:"50" unit:"messages" help:"How many messages a batch may hold; from 1 to 1000."`
	// FrameBytes bounds a frame, which may be a batch, from 1024 to 1048576 (default 65536).
	FrameBytes int `yaml:"frame_bytes" env:"FRAME_BYTES" envDefault:"65536" unit:"bytes" help:"The largest frame, which may be a batch; from 1024 to 1048576."`
	// Subscriptions bounds what one connection subscribes to, each device counted, from 1 to 100000 (default 1000).
	Subscriptions int `yaml:"subscriptions" env:"SUBSCRIPTIONS" envDefault:"1000" unit:"subscriptions" help:"How much one connection may subscribe to, each device counted; from 1 to 100000."`
	// LoginTimeout is how long a connection may stay without a valid token, from 1s to 1h (default 14s).
	LoginTimeout time.Duration `yaml:"login_timeout" env:"LOGIN_TIMEOUT" envDefault:"14s" unit:"duration" help:"How long a connection may stay without a valid token; from 1s to 1h."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{
		ConnectionsPerUser: 100, Connections: 1000, ConnectsPerMinute: 10, MessagesPerSecond: 100,
		MessageBytes: 1024, BatchItems: 50, FrameBytes: 64 << 10, Subscriptions: 1000, LoginTimeout: 14 * time.Second,
	}
}

// Check says what is wrong with the configuration, by key, or nil.
func (c Config) Check() error {
	for _, bound := range []struct {
		key            string
		is, from, upTo int
	}{
		{"connections_per_user", c.ConnectionsPerUser, 0, 1 << 30},
		{"connections", c.Connections, 0, 1 << 30},
		{"connects_per_minute", c.ConnectsPerMinute, 0, 1 << 30},
		{"messages_per_second", c.MessagesPerSecond, 0, 1 << 30},
		{"frame_bytes", c.FrameBytes, 1024, 1 << 20},
		{"message_bytes", c.MessageBytes, 64, c.FrameBytes},
		{"batch_items", c.BatchItems, 1, 1000},
		{"subscriptions", c.Subscriptions, 1, 100_000},
	} {
		if bound.is < bound.from || bound.is > bound.upTo {
			return fmt.Errorf("%s is %d; it goes from %d to %d", bound.key, bound.is, bound.from, bound.upTo)
		}
	}
	if c.LoginTimeout < time.Second || c.LoginTimeout > time.Hour {
		return fmt.Errorf("login_timeout is %s; it goes from 1s to 1h", c.LoginTimeout)
	}
	return nil
}
