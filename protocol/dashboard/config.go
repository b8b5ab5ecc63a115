package dashboard

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what the dashboard obeys; the keys are those of its document.
type Config struct {
	// Enabled turns the endpoint on (default true).
	Enabled bool `yaml:"websocket_enabled" env:"WEBSOCKET_ENABLED" envDefault:"true" unit:"true or false"`
	// Heartbeat is the time between two heartbeats of a connection in seconds, from 1 to 3600 (default 30).
	Heartbeat int `yaml:"websocket_heartbeat_seconds" env:"WEBSOCKET_HEARTBEAT_SECONDS" envDefault:"30" unit:"seconds"`
	// MultiTenant demands a token of every client (default false).
	MultiTenant bool `yaml:"multi_tenant" env:"MULTI_TENANT" envDefault:"false" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"websocket_enabled":           "Whether the dashboard's endpoint is there.",
		"websocket_heartbeat_seconds": "The time between two heartbeats of a connection; from 1 to 3600.",
		"multi_tenant":                "Whether every dashboard client must show a token.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true, Heartbeat: 30} }

// maxHeartbeat bounds the heartbeat: beyond an hour it keeps nothing alive.
const maxHeartbeat = 3600

// Check implements protocol.Settings.
func (c Config) Check() error {
	return protocol.CheckRange("websocket_heartbeat_seconds", c.Heartbeat, 1, maxHeartbeat)
}

// On implements protocol.Settings: an endpoint that is switched off says so itself, with 404.
func (Config) On() bool { return true }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }

// heartbeat is the interval; one that Check would refuse becomes the default.
func (c Config) heartbeat() time.Duration {
	if c.Check() != nil {
		c.Heartbeat = DefaultConfig().Heartbeat
	}
	return time.Duration(c.Heartbeat) * time.Second
}
