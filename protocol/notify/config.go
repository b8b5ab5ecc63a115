package notify

import "github.com/parley-realtime/parley/protocol"

// Config is what notify obeys.
type Config struct {
	// Enabled has notify spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// StrictClaims demands all claims of the original's tokens (default true).
	StrictClaims bool `yaml:"strict_claims" env:"STRICT_CLAIMS" envDefault:"true" unit:"true or false"`
	// OpenUserPath lets anybody in as anybody, by a number in the path (default false).
	OpenUserPath bool `yaml:"open_user_path" env:"OPEN_USER_PATH" envDefault:"false" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled":       "Whether notify is spoken.",
		"strict_claims": "Whether a token must have sid, iss, aud, sub, scope, iat, nbf, exp and jti.",
		"open_user_path": "Serve /api/v1/ws/{user_id} to clients that show no credential: whoever knows a user's " +
			"number " +
			"hears that user's events. A hole, for clients that know nothing else.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true, StrictClaims: true} }

// Check implements protocol.Settings: no setting can be wrong.
func (Config) Check() error { return nil }

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Develop implements protocol.DevSettings: the tokens that dev mode makes are for every dialect.
func (c *Config) Develop() { c.StrictClaims = false }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{New(c)} }
