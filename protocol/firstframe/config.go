package firstframe

import "time"

// Config is what a shared path obeys.
type Config struct {
	// Default is the name of the dialect that answers what no dialect recognises (default "valtronics"). If it is none
	// of the path's dialects, their first one answers.
	Default string `yaml:"default" env:"DEFAULT" envDefault:"valtronics" unit:"dialect"`
	// Timeout is how long a client may take until its first frame, from 1s to 1h (default 20s).
	Timeout time.Duration `yaml:"first_frame_timeout" env:"FIRST_FRAME_TIMEOUT" envDefault:"20s" unit:"duration"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"default": "The dialect that answers a first frame which no dialect of the path recognises.",
		"first_frame_timeout": "How long a client may take until a first frame that says what it speaks; then its " +
			"protocol's own time for a login begins. From 1s to 1h.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{Default: "valtronics", Timeout: 20 * time.Second}
}
