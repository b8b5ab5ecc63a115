package shared

// Config is what a shared path obeys.
type Config struct {
	// Default is the name of the dialect that answers what no dialect recognises (default "valtronics"). If it is none of
	// the path's dialects, their first one answers.
	Default string `yaml:"default" env:"DEFAULT" envDefault:"valtronics" unit:"dialect" help:"The dialect that answers a first frame which no dialect of the path recognises."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Default: "valtronics"} }
