package authentik

import (
	"errors"
	"net/url"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Config is what both dialects obey.
type Config struct {
	// Enabled has both dialects spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// Upstream is the URL of the real authentik (default none).
	Upstream string `yaml:"upstream" env:"UPSTREAM" unit:"URL"`
	// Path is the prefix of all paths, as AUTHENTIK_WEB__PATH; it begins and ends with a slash (default "/").
	Path string `yaml:"path" env:"PATH" envDefault:"/" unit:"path"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled": "Whether authentik's pages and outposts are served.",
		"upstream": "The real authentik, such as https://authentik.example/: it answers what is below /api/v3/, but " +
			"for " +
			"what outposts[].documents say.",
		"path": "What stands before ws/client/ and ws/outpost/, as AUTHENTIK_WEB__PATH; it begins and ends with a " +
			"slash.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true, Path: "/"} }

// Check implements protocol.Settings.
func (c Config) Check() error {
	_, err := c.UpstreamURL()
	return errors.Join(err, c.checkPath())
}

func (c Config) checkPath() error {
	inner, ends := strings.CutSuffix(c.Path, "/")
	if ends && inner == "" {
		return nil
	}
	if !ends || inner[0] != '/' || strings.ContainsAny(c.Path, "{}%") || protocol.CheckTopic(inner[1:]) != nil {
		return &protocol.SettingError{Key: "path", Text: "is " + protocol.Quote(c.Path) +
			"; it begins and ends with a slash and has none twice, such as /auth/"}
	}
	return nil
}

// prefix is the path; one that Check would refuse becomes the default.
func (c Config) prefix() string {
	if c.checkPath() != nil {
		return DefaultConfig().Path
	}
	return c.Path
}

// UpstreamURL implements protocol.APISettings. Its error is a *protocol.SettingError.
func (c Config) UpstreamURL() (*url.URL, error) {
	if c.Upstream == "" {
		return nil, nil
	}
	u, err := url.Parse(c.Upstream)
	text := ""
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		text = "must be a URL such as https://authentik.example/"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		text = "must have no user, query or fragment; outposts show their own tokens"
	case strings.Contains(u.Path+"/", "/api/v3/"):
		text = "must end before /api/v3/"
	default:
		return u, nil
	}
	return nil, &protocol.SettingError{Key: "upstream", Text: text}
}

// APIPrefix implements protocol.APISettings.
func (c Config) APIPrefix() string { return strings.TrimSuffix(c.Path, "/") }

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{NewPage(c), NewOutpost(c)} }
