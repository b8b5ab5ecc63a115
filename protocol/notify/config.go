package notify

// Config is what notify obeys.
type Config struct {
	// StrictClaims demands all claims of the original's tokens (default true).
	StrictClaims bool `yaml:"strict_claims" env:"STRICT_CLAIMS" envDefault:"true" unit:"true or false" help:"Whether a token must have sid, iss, aud, sub, scope, iat, nbf, exp and jti."`
	// OpenUserPath lets anybody in as anybody, by a number in the path (default false).
	OpenUserPath bool `yaml:"open_user_path" env:"OPEN_USER_PATH" envDefault:"false" unit:"true or false" help:"Serve /api/v1/ws/{user_id} to clients that show no credential: whoever knows a user's number hears that user's events. A hole, for clients that know nothing else."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{StrictClaims: true} }

// Check says what is wrong with the configuration: nothing can be.
func (Config) Check() error { return nil }
