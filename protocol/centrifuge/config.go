package centrifuge

import (
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what the protocol obeys.
type Config struct {
	// Enabled has it spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// Insecure lets clients in that show no token (default false).
	Insecure bool `yaml:"insecure" env:"INSECURE" envDefault:"false" unit:"true or false"`
	// Namespaces are what stands before the first colon in the names of channels. If there are any, others are unknown.
	Namespaces map[string]Namespace `yaml:"namespaces" env:"-" unit:"sections"`
}

// Namespace is what holds for the channels of a namespace.
type Namespace struct {
	// Presence has those who subscribe be present, and clients ask who is (default true).
	Presence bool `yaml:"presence" env:"-" envDefault:"true" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (Namespace) Help() map[string]string {
	return map[string]string{
		"presence": "Whether those who subscribe to the namespace's channels are present in them, and clients may " +
			"ask who is.",
	}
}

// namespace is what holds for a channel; ok is false if its namespace is unknown.
func (c *Config) namespace(channel string) (n Namespace, ok bool) {
	name, _, has := strings.Cut(channel, ":")
	if !has || len(c.Namespaces) == 0 {
		return Namespace{Presence: true}, true
	}
	n, ok = c.Namespaces[strings.TrimPrefix(name, private)]
	return n, ok
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled": "Whether the client protocol of Centrifugo is spoken.",
		"namespaces": "The namespaces of channels, by their names; if there are any, a channel of another one is " +
			"unknown.",
		"insecure": "Whether clients without a token are let in, as anonymous ones; else they are closed with 3500.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true} }

// Check implements protocol.Settings: no setting can be wrong.
func (Config) Check() error { return nil }

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }
