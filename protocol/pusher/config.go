package pusher

import (
	"errors"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what the dialect obeys. Keys and secrets are those of the tenants' apps.
type Config struct {
	// Enabled has Pusher Channels spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// ActivityTimeout is how long a client waits for a message before it asks whether the server is there, from 1s to
	// 1h (default 120s).
	ActivityTimeout time.Duration `yaml:"activity_timeout" env:"ACTIVITY_TIMEOUT" envDefault:"2m" unit:"duration"`
	// SignInTimeout is how long a client may take to sign in, from 1s to 1h (default 0s: no client has to).
	SignInTimeout time.Duration `yaml:"sign_in_timeout" env:"SIGN_IN_TIMEOUT" envDefault:"0s" unit:"duration"`
	// FrameBytes bounds a message of a client, from 1024 to 1048576 (default 65536).
	FrameBytes int `yaml:"frame_bytes" env:"FRAME_BYTES" envDefault:"65536" unit:"bytes"`
	// MessagesPerSecond bounds the messages of a client (default 100). 0 is no limit.
	MessagesPerSecond int `yaml:"messages_per_second" env:"MESSAGES_PER_SECOND" envDefault:"100" unit:"messages"`
	// Channels bounds the channels of one connection, from 1 to 100000 (default 1000).
	Channels int `yaml:"channels" env:"CHANNELS" envDefault:"1000" unit:"channels"`
	// ChannelNameBytes bounds the name of a channel, from 1 to 255 (default 200).
	ChannelNameBytes int `yaml:"channel_name_bytes" env:"CHANNEL_NAME_BYTES" envDefault:"200" unit:"bytes"`
	// Members bounds the members of a presence channel, from 1 to 10000 (default 100).
	Members int `yaml:"members" env:"MEMBERS" envDefault:"100" unit:"members"`
	// UserInfoBytes bounds what a member tells of itself, from 1 to 3072 (default 2048).
	UserInfoBytes int `yaml:"user_info_bytes" env:"USER_INFO_BYTES" envDefault:"2048" unit:"bytes"`
	// ClientEventBytes bounds the data of a client event, from 1 to 1048576 (default 10240).
	ClientEventBytes int `yaml:"client_event_bytes" env:"CLIENT_EVENT_BYTES" envDefault:"10240" unit:"bytes"`
	// EventsPerSecond bounds the client events of one connection, from 1 to 100000 (default 10).
	EventsPerSecond int `yaml:"events_per_second" env:"EVENTS_PER_SECOND" envDefault:"10" unit:"events"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled":             "Whether Pusher Channels is spoken, to the apps of the tenants.",
		"activity_timeout":    "How long a client hears nothing before it asks whether the server is there; 1s to 1h.",
		"sign_in_timeout":     "How long a client may take to sign in, from 1s to 1h; 0s lets it stay without.",
		"frame_bytes":         "The largest message of a client; from 1024 to 1048576.",
		"messages_per_second": "How many messages one connection may send in a second; 0 is no limit.",
		"channels":            "How many channels one connection may subscribe to; from 1 to 100000.",
		"channel_name_bytes":  "The longest name of a channel; from 1 to 255.",
		"members":             "How many members a presence channel may have; from 1 to 10000.",
		"user_info_bytes":     "The largest user_info of a member; from 1 to 3072.",
		"client_event_bytes":  "The largest data of a client event; from 1 to 1048576.",
		"events_per_second":   "How many client events one connection may send in a second; from 1 to 100000.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{
		Enabled: true, ActivityTimeout: 2 * time.Minute, FrameBytes: 64 << 10, MessagesPerSecond: 100, Channels: 1000,
		ChannelNameBytes: 200, Members: 100, UserInfoBytes: 2 << 10, ClientEventBytes: 10 << 10,
		EventsPerSecond: 10,
	}
}

// Check implements protocol.Settings.
func (c Config) Check() error {
	signIn := c.SignInTimeout
	if signIn == 0 {
		signIn = time.Second
	}
	return errors.Join(
		protocol.CheckRange("sign_in_timeout", signIn, time.Second, time.Hour),
		protocol.CheckRange("activity_timeout", c.ActivityTimeout, time.Second, time.Hour),
		protocol.CheckRange("frame_bytes", c.FrameBytes, 1<<10, 1<<20),
		protocol.CheckRange("messages_per_second", c.MessagesPerSecond, 0, 1<<30),
		protocol.CheckRange("channels", c.Channels, 1, 100_000),
		protocol.CheckRange("channel_name_bytes", c.ChannelNameBytes, 1, protocol.MaxName),
		protocol.CheckRange("members", c.Members, 1, 10_000),
		protocol.CheckRange("user_info_bytes", c.UserInfoBytes, 1, 3<<10),
		protocol.CheckRange("client_event_bytes", c.ClientEventBytes, 1, 1<<20),
		protocol.CheckRange("events_per_second", c.EventsPerSecond, 1, 100_000),
	)
}

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }
