package dashboard

import (
	"fmt"
	"time"
)

// Config is what the dashboard obeys; the keys are those of its document.
type Config struct {
	// Enabled turns the endpoint on (default true).
	Enabled bool `yaml:"websocket_enabled" env:"WEBSOCKET_ENABLED" envDefault:"true" unit:"true or false" help:"Whether the dashboard's endpoint is there."`
	// HeartbeatSeconds is the time between two heartbeats of a connection, from 1 to 3600 (default 30).
	HeartbeatSeconds int `yaml:"websocket_heartbeat_seconds" env:"WEBSOCKET_HEARTBEAT_SECONDS" envDefault:"30" unit:"seconds" help:"The time between two heartbeats of a connection; from 1 to 3600."`
	// MultiTenant demands a token of every client (default false).
	MultiTenant bool `yaml:"multi_tenant" env:"MULTI_TENANT" envDefault:"false" unit:"true or false" help:"Whether every dashboard client must show a token."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true, HeartbeatSeconds: 30} }

// maxHeartbeat bounds the heartbeat: beyond an hour it keeps nothing alive.
const maxHeartbeat = 3600

// Check says what is wrong with the configuration, by key, or nil.
func (c Config) Check() error {
	if c.HeartbeatSeconds < 1 || c.HeartbeatSeconds > maxHeartbeat {
		return fmt.Errorf("websocket_heartbeat_seconds is %d; it goes from 1 to %d", c.HeartbeatSeconds, maxHeartbeat)
	}
	return nil
}

// heartbeat is the interval; one that Check would refuse becomes the default.
func (c Config) heartbeat() time.Duration {
	if c.Check() != nil {
		c.HeartbeatSeconds = DefaultConfig().HeartbeatSeconds
	}
	return time.Duration(c.HeartbeatSeconds) * time.Second
}
