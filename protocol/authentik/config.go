package authentik

import (
	"fmt"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what both dialects obey.
type Config struct {
	// Path is the prefix of all paths, as AUTHENTIK_WEB__PATH; it begins and ends with a slash (default "/").
	Path string `yaml:"path" env:"PATH" envDefault:"/" unit:"path" help:"What stands before ws/client/ and ws/outpost/, as AUTHENTIK_WEB__PATH; it begins and ends with a slash."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Path: "/"} }

// Check says what is wrong with the configuration, by key, or nil.
func (c Config) Check() error {
	inner, ends := strings.CutSuffix(c.Path, "/")
	if ends && inner == "" {
		return nil
	}
	if !ends || inner[0] != '/' || strings.ContainsAny(c.Path, "{}%") || protocol.CheckTopic(inner[1:]) != nil {
		return fmt.Errorf("path is %s; it begins and ends with a slash and has none twice, such as /auth/", protocol.Quote(c.Path))
	}
	return nil
}

// prefix is the path; one that Check would refuse becomes the default.
func (c Config) prefix() string {
	if c.Check() != nil {
		return DefaultConfig().Path
	}
	return c.Path
}
