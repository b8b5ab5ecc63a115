package sse

import (
	"errors"
	"time"
)

// Config is what event streams obey.
type Config struct {
	// Enabled has them served (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// PerUser bounds the streams of one user (default 6; 0 is no bound).
	PerUser int `yaml:"per_user" env:"PER_USER" envDefault:"6" unit:"streams"`
	// Topics bounds the topics of one stream (default 32).
	Topics int `yaml:"topics" env:"TOPICS" envDefault:"32" unit:"topics"`
	// Retry is how long a client waits until it connects again (default 3s).
	Retry time.Duration `yaml:"retry" env:"RETRY" envDefault:"3s" unit:"duration"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled": "Whether GET /api/v1/events serves topics as server-sent events.",
		"per_user": "How many streams one user may have; one more gets 429. A browser has six connections to a " +
			"server without HTTP/2, so its seventh tab would wait for ever. 0 is no bound.",
		"topics": "How many topics one stream may have.",
		"retry":  "How long a client is told to wait until it connects again.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{Enabled: true, PerUser: 6, Topics: 32, Retry: 3 * time.Second}
}

// Check returns what is wrong with the settings, nil for nothing.
func (c Config) Check() error {
	switch {
	case c.PerUser < 0:
		return errors.New("per_user must not be negative; 0 is no bound")
	case c.Topics < 1 || c.Topics > 100:
		return errors.New("topics must be from 1 to 100")
	case c.Retry < 100*time.Millisecond || c.Retry > time.Hour:
		return errors.New("retry must be from 100ms to 1h")
	}
	return nil
}
