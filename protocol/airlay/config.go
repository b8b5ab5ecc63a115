package airlay

import (
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what AirLay obeys; address and port are those of its document's section webSocketEvents.
type Config struct {
	// Enabled has AirLay spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// Address and Port are a listener of AirLay's own, beside the shared one (default 0.0.0.0 and 0). Port 0 is none.
	Address string `yaml:"address" env:"ADDRESS" envDefault:"0.0.0.0" unit:"address" reload:"restart"`
	Port    int    `yaml:"port" env:"PORT" envDefault:"0" unit:"port" reload:"restart"`
	// FrameBytes bounds a request, from 2048 to 1048576 (default 65536): the token alone has about 1 KB.
	FrameBytes int `yaml:"frame_bytes" env:"FRAME_BYTES" envDefault:"65536" unit:"bytes"`
	// RequestsPerSecond bounds what one connection asks (default 100). 0 is no limit.
	RequestsPerSecond int `yaml:"requests_per_second" env:"REQUESTS_PER_SECOND" envDefault:"100" unit:"requests"`
	// Attachments bounds what one connection attaches to, from 1 to 100000 (default 1000).
	Attachments int `yaml:"attachments" env:"ATTACHMENTS" envDefault:"1000" unit:"attachments"`
	// LoginTimeout is how long a connection may stay without a valid token, from 1s to 1h (default 20s).
	LoginTimeout time.Duration `yaml:"login_timeout" env:"LOGIN_TIMEOUT" envDefault:"20s" unit:"duration"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled":             "Whether AirLay is spoken.",
		"address":             "The address of AirLay's own listener, where / and /ws speak AirLay alone.",
		"port":                "The port of AirLay's own listener, 8081 in its document; 0 is no listener.",
		"frame_bytes":         "The largest request, token included; from 2048 to 1048576.",
		"requests_per_second": "How many requests one connection may send in a second; 0 is no limit.",
		"attachments":         "How much one connection may attach to; from 1 to 100000.",
		"login_timeout":       "How long a connection may stay without a request whose token holds; from 1s to 1h.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{
		Enabled: true, Address: "0.0.0.0", FrameBytes: 64 << 10, RequestsPerSecond: 100, Attachments: 1000,
		LoginTimeout: 20 * time.Second,
	}
}

// Check implements protocol.Settings.
func (c Config) Check() error {
	return errors.Join(
		protocol.CheckRange("port", c.Port, 0, 65535),
		protocol.CheckRange("frame_bytes", c.FrameBytes, 2048, 1<<20),
		protocol.CheckRange("requests_per_second", c.RequestsPerSecond, 0, 1<<30),
		protocol.CheckRange("attachments", c.Attachments, 1, 100_000),
		protocol.CheckRange("login_timeout", c.LoginTimeout, time.Second, time.Hour),
	)
}

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }

// Listen implements protocol.ListenSettings: it is where AirLay's own listener listens, "" if it has none.
func (c Config) Listen() string {
	if c.Port == 0 {
		return ""
	}
	return net.JoinHostPort(c.Address, strconv.Itoa(c.Port))
}
