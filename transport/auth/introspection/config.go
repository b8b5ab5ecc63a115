package introspection

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The policies for a backend that does not answer.
const (
	Deny        = "deny"
	AllowCached = "allow-cached"
)

// Config is the configuration of a Client. A zero field has its default; without URL, no backend is asked.
type Config struct {
	URL    string `yaml:"url" env:"URL" unit:"URL"`
	Secret string `yaml:"secret" env:"SECRET" unit:"secret"`
	// SecretFile is read by the reader of the configuration, which sets Secret. This package reads no file.
	SecretFile string `yaml:"secret_file" env:"SECRET_FILE" unit:"file"`

	// Ask and Topics say what the backend is asked about; nil is the default, with an empty list it is asked nothing.
	Ask    []string `yaml:"ask" env:"ASK" envDefault:"session,user,outpost" unit:"kinds"`
	Topics []string `yaml:"topics" env:"TOPICS" unit:"patterns"`

	Timeout      time.Duration `yaml:"timeout" env:"TIMEOUT" envDefault:"2s" unit:"duration"`
	Budget       time.Duration `yaml:"budget" env:"BUDGET" envDefault:"4s" unit:"duration"`
	Tries        int           `yaml:"tries" env:"TRIES" envDefault:"3" unit:"tries"`
	PositiveTTL  time.Duration `yaml:"positive_ttl" env:"POSITIVE_TTL" envDefault:"1m" unit:"duration"`
	NegativeTTL  time.Duration `yaml:"negative_ttl" env:"NEGATIVE_TTL" envDefault:"10s" unit:"duration"`
	CacheEntries int           `yaml:"cache_entries" env:"CACHE_ENTRIES" envDefault:"10000" unit:"answers"`
	Concurrency  int           `yaml:"concurrency" env:"CONCURRENCY" envDefault:"32" unit:"calls"`
	Failure      string        `yaml:"failure" env:"FAILURE" envDefault:"deny" unit:"deny|allow-cached"`
	Stale        time.Duration `yaml:"stale" env:"STALE" envDefault:"10m" unit:"duration"`

	// Clock tells the time; nil is time.Now.
	Clock func() time.Time `yaml:"-" env:"-"`
	// Logger gets a line when the backend stops answering and when it is back; nil discards them.
	Logger *slog.Logger `yaml:"-" env:"-"`
	// Transport makes the calls; nil is the client's own. It must not follow redirects.
	Transport http.RoundTripper `yaml:"-" env:"-"`
}

// Bounds that are not settings.
const (
	maxAnswer      = 64 << 10 // bytes
	maxHeaders     = 16 << 10 // bytes
	maxTopics      = 256      // patterns in one answer
	minSecret      = 16       // bytes
	maxSecret      = 4096     // bytes
	waitersPerSlot = 16       // questions that may wait, for each call that may be under way
	tripAfter      = 5        // failures in a row
	openFor        = 10 * time.Second
)

// Enabled reports whether there is a backend to ask.
func (c *Config) Enabled() bool { return c.URL != "" }

// AsksAbout reports whether the backend is asked about a kind; about Access it is asked if there are Topics.
func (c *Config) AsksAbout(kind Kind) bool {
	switch {
	case !c.Enabled():
		return false
	case kind == Access:
		return len(c.Topics) > 0
	}
	return c.Ask == nil || slices.Contains(c.Ask, string(kind))
}

// WithDefaults sets the zero fields to their defaults.
func (c Config) WithDefaults() Config {
	if c.Ask == nil {
		c.Ask = []string{string(Session), string(User), string(Outpost)}
	}
	setDefault(&c.Timeout, 2*time.Second)
	setDefault(&c.Budget, 4*time.Second)
	setDefault(&c.Tries, 3)
	setDefault(&c.PositiveTTL, time.Minute)
	setDefault(&c.NegativeTTL, 10*time.Second)
	setDefault(&c.CacheEntries, 10_000)
	setDefault(&c.Concurrency, 32)
	setDefault(&c.Failure, Deny)
	setDefault(&c.Stale, 10*time.Minute)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Problem is what is wrong with one setting. Its text repeats neither the URL nor the secret.
type Problem struct{ Key, Text string }

// Check returns all problems as one error, or nil.
func (c *Config) Check() error {
	var all []error
	for _, p := range c.Problems() {
		all = append(all, errors.New(p.Key+": "+p.Text))
	}
	return errors.Join(all...)
}

// Problems returns all that is wrong. It takes a zero for a value, not for the default: see WithDefaults.
func (c *Config) Problems() []Problem {
	if !c.Enabled() {
		return nil
	}
	var all []Problem
	add := func(key, text string) {
		if text != "" {
			all = append(all, Problem{key, text})
		}
	}
	add("url", c.checkURL())
	add("secret", c.checkSecret())
	for _, kind := range c.Ask {
		if !slices.Contains([]Kind{Session, User, Outpost}, Kind(kind)) {
			add("ask", "must be of session, user, outpost; what access is asked about is in topics")
			break
		}
	}
	if c.Failure != Deny && c.Failure != AllowCached {
		add("failure", "must be one of deny, allow-cached")
	}
	return append(all, c.checkNumbers()...)
}

func (c *Config) checkURL() string {
	address, err := url.Parse(c.URL)
	switch {
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return "must be an address such as https://backend.example/parley/introspect"
	case address.User != nil || address.Fragment != "":
		return "holds a password or a fragment; put what the backend knows Parley by into secret"
	}
	return ""
}

func (c *Config) checkSecret() string {
	switch {
	case len(c.Secret) < minSecret || len(c.Secret) > maxSecret:
		return fmt.Sprintf("has %d bytes; %d to %d are needed (openssl rand -hex 32 makes one)", len(c.Secret),
			minSecret, maxSecret)
	case strings.ContainsFunc(c.Secret, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "must be of visible ASCII characters, since it goes into a header"
	}
	return ""
}

func (c *Config) checkNumbers() (all []Problem) {
	for _, d := range []struct {
		key            string
		is, from, upTo time.Duration
	}{
		{"budget", c.Budget, 10 * time.Millisecond, 9 * time.Second},
		{"timeout", c.Timeout, 10 * time.Millisecond, c.Budget},
		{"positive_ttl", c.PositiveTTL, time.Second, 24 * time.Hour},
		{"negative_ttl", c.NegativeTTL, time.Second, 24 * time.Hour},
		{"stale", c.Stale, time.Second, 24 * time.Hour},
	} {
		if d.is < d.from || d.is > d.upTo {
			all = append(all, Problem{d.key, fmt.Sprintf("is %s; it goes from %s to %s", d.is, d.from, d.upTo)})
		}
	}
	for _, n := range []struct {
		key            string
		is, from, upTo int
	}{{"tries", c.Tries, 1, 5}, {"cache_entries", c.CacheEntries, 1, 10_000_000},
		{"concurrency", c.Concurrency, 1, 1024}} {
		if n.is < n.from || n.is > n.upTo {
			all = append(all, Problem{n.key, fmt.Sprintf("is %d; it goes from %d to %d", n.is, n.from, n.upTo)})
		}
	}
	return all
}

// String keeps the secret out of logs and messages.
func (Config) String() string { return "[introspection]" }

// GoString keeps the secret out of %#v.
func (Config) GoString() string { return "[introspection]" }
