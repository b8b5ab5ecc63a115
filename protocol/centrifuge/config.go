package centrifuge

import "github.com/parley-realtime/parley/protocol"

// Config is what the protocol obeys.
type Config struct {
	// Enabled has it spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// Insecure lets clients in that show no token (default false).
	Insecure bool `yaml:"insecure" env:"INSECURE" envDefault:"false" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled":  "Whether the client protocol of Centrifugo is spoken.",
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
