package webhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Config is the configuration of a Dispatcher. A zero field has its default; without URL, no events are sent.
type Config struct {
	URL    string `yaml:"url" env:"URL" unit:"URL"`
	Secret string `yaml:"secret" env:"SECRET" unit:"secret"`
	// SecretFile is read by the reader of the configuration, which sets Secret. This package reads no file.
	SecretFile string `yaml:"secret_file" env:"SECRET_FILE" unit:"file"`

	Timeout     time.Duration `yaml:"timeout" env:"TIMEOUT" envDefault:"10s" unit:"duration"`
	Batch       int           `yaml:"batch" env:"BATCH" envDefault:"100" unit:"events"`
	QueueEvents int           `yaml:"queue_events" env:"QUEUE_EVENTS" envDefault:"10000" unit:"events"`
	QueueBytes  int           `yaml:"queue_bytes" env:"QUEUE_BYTES" envDefault:"8388608" unit:"bytes"`

	// Logger gets a line when the backend stops accepting events and when it accepts them again; nil discards them.
	Logger *slog.Logger `yaml:"-" env:"-"`
	// Transport makes the calls; nil is the dispatcher's own. It must not follow redirects.
	Transport http.RoundTripper `yaml:"-" env:"-"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"url": "Where lifecycle events are sent to, by POST; empty for nowhere. Use https across " +
			"networks.",
		"secret":       "What the batches are signed with (HMAC-SHA256, Parley-Signature), at least 16 bytes.",
		"secret_file":  "A file with that secret; one line break at its end is left out.",
		"timeout":      "How long the backend may take to answer one batch, from 10ms to 1m.",
		"batch":        "How many events one batch may hold, from 1 to 1000.",
		"queue_events": "How many events may wait for the backend; of more the oldest are lost. From 1 to 1000000.",
		"queue_bytes":  "How much may wait for the backend, from 4096 to 1073741824.",
	}
}

// Bounds that are not settings.
const (
	maxAnswer     = 64 << 10 // bytes that are read so that the connection can be used again
	maxHeaders    = 16 << 10 // bytes
	maxBody       = 1 << 20  // bytes of events in one batch; one event is always sent
	minSecret     = 16       // bytes
	maxSecret     = 4096     // bytes
	firstWait     = 200 * time.Millisecond
	longestWait   = 30 * time.Second
	maxRetryAfter = 5 * time.Minute
)

// Enabled reports whether events are sent.
func (c *Config) Enabled() bool { return c.URL != "" }

func (c Config) withDefaults() Config {
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.Batch, 100)
	setDefault(&c.QueueEvents, 10_000)
	setDefault(&c.QueueBytes, 8<<20)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Problem is what is wrong with one setting. Its text repeats neither the URL nor the secret.
type Problem struct{ Key, Text string }

// Problems returns all that is wrong.
func (c *Config) Problems() (all []Problem) {
	if !c.Enabled() {
		return nil
	}
	if text := c.checkURL(); text != "" {
		all = append(all, Problem{"url", text})
	}
	if len(c.Secret) < minSecret || len(c.Secret) > maxSecret {
		all = append(all,
			Problem{"secret", fmt.Sprintf("has %d bytes; %d to %d are needed (openssl rand -hex 32 makes one)",
				len(c.Secret), minSecret, maxSecret)})
	}
	if c.Timeout < 10*time.Millisecond || c.Timeout > time.Minute {
		all = append(all, Problem{"timeout", fmt.Sprintf("is %s; it goes from 10ms to 1m", c.Timeout)})
	}
	for _, n := range []struct {
		key            string
		is, from, upTo int
	}{{"batch", c.Batch, 1, 1000}, {"queue_events", c.QueueEvents, 1, 1_000_000},
		{"queue_bytes", c.QueueBytes, 4096, 1 << 30}} {
		if n.is < n.from || n.is > n.upTo {
			all = append(all, Problem{n.key, fmt.Sprintf("is %d; it goes from %d to %d", n.is, n.from, n.upTo)})
		}
	}
	return all
}

func (c *Config) checkURL() string {
	address, err := url.Parse(c.URL)
	switch {
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return "must be an address such as https://backend.example/parley/lifecycle"
	case address.User != nil || address.Fragment != "":
		return "holds a password or a fragment; the backend knows Parley by the signature, see secret"
	}
	return ""
}

// String keeps the secret out of logs and messages.
func (Config) String() string { return "[webhook]" }

// GoString keeps the secret out of %#v.
func (Config) GoString() string { return "[webhook]" }
