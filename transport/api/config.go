package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Config is the configuration of the API. A field that is zero has its default.
type Config struct {
	MaxEvent       int           `yaml:"max_event" env:"MAX_EVENT" envDefault:"65536" unit:"bytes"`
	MaxBody        int           `yaml:"max_body" env:"MAX_BODY" envDefault:"8388608" unit:"bytes"`
	MaxBatch       int           `yaml:"max_batch" env:"MAX_BATCH" envDefault:"1000" unit:"events"`
	MaxUsers       int           `yaml:"max_users" env:"MAX_USERS" envDefault:"1000" unit:"users"`
	RequestTimeout time.Duration `yaml:"request_timeout" env:"REQUEST_TIMEOUT" envDefault:"10s" unit:"duration"`
	Rate           int           `yaml:"rate" env:"RATE" envDefault:"0" unit:"requests/s"`
	Burst          int           `yaml:"burst" env:"BURST" envDefault:"0" unit:"requests"`

	AdminKey  string `yaml:"admin_key" env:"ADMIN_KEY" unit:"secret"`
	ViewerKey string `yaml:"viewer_key" env:"VIEWER_KEY" unit:"secret"`

	Faults bool `yaml:"faults" env:"FAULTS" envDefault:"false" unit:"bool"`

	// AdminKeyOnly refuses operators without an AdminKey, since the internal address is not loopback.
	AdminKeyOnly bool `yaml:"-" env:"-"`
	// Tenant returns the tenant of a request without an API key, as for sockets; "" is none. nil is always none.
	Tenant func(*http.Request) string `yaml:"-" env:"-"`
	// AllowsOrigin reports whether the Origin of a request may make the calls of users, as for sockets. nil allows
	// none.
	AllowsOrigin func(*http.Request) bool `yaml:"-" env:"-"`
	// Tickets and Outposts serve users and outposts with tokens of their own; nil serves none.
	Tickets  Tickets  `yaml:"-" env:"-"`
	Outposts Outposts `yaml:"-" env:"-"`
	// Explainer answers questions about decisions; nil answers none.
	Explainer Explainer `yaml:"-" env:"-"`

	// Dialects returns the names of the enabled dialects, each of which has its metrics before the first connection.
	// nil is none.
	Dialects func() []string `yaml:"-" env:"-"`

	// Forwarded returns where a request comes from, as far as proxies can be believed: the client's address, and the
	// scheme and host that it asked for. nil takes these from the connection.
	Forwarded func(*http.Request) (address, scheme, host string) `yaml:"-" env:"-"`

	// Logins returns how many logins ended so far, by outcome ("ok", or the reason), for the metrics. The outcomes are
	// a small fixed set. nil is none.
	Logins func() map[string]uint64 `yaml:"-" env:"-"`
	// AuthStats returns the figures of tickets, revocations and introspection, for the metrics. nil is none.
	AuthStats func() AuthStats `yaml:"-" env:"-"`
	// Webhooks returns the figures of webhooks by tenant, for the metrics. nil is none.
	Webhooks func() map[string]WebhookStats `yaml:"-" env:"-"`
	// Process returns the figures of the process, for the metrics. nil is none.
	Process func() ProcessStats `yaml:"-" env:"-"`

	// Backup writes an archive of everything that the server stores. A Refusal before its first byte is the caller's
	// answer. nil is a server that stores nothing.
	Backup func(ctx context.Context, to io.Writer) error `yaml:"-" env:"-"`

	Logger *slog.Logger `yaml:"-" env:"-"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"max_event":       "How large the data of one event may be.",
		"max_body":        "How large the body of one request may be; a batch is the largest there is.",
		"max_batch":       "How many events one batch may hold.",
		"max_users":       "How many users one publish may name.",
		"request_timeout": "How long a body may take to arrive, and then its answer to be made.",
		"rate": "How many requests per second one key may make; each event of a batch counts. 0 is no " +
			"limit.",
		"burst": "How many requests one key may make at once; 0 is as many as its rate.",
		"admin_key": "The key of operators' calls on internal_listen, at least 16 bytes; without one that " +
			"address alone protects them, and must be loopback. It opens the console, too.",
		"viewer_key": "A key for people who may look at everything in the console, and change nothing; at least 16 " +
			"bytes.",
		"faults": "Whether keys of backends may inject faults, for tests of clients. On in dev mode; leave it off in " +
			"production.",
	}
}

// publishOverhead is how many bytes a publish may have beside its data: names, and a list of users.
const publishOverhead = 64 << 10

// maxSmallBody bounds the bodies of calls that are neither publish nor batch, in bytes.
const maxSmallBody = 4 << 10

func (c Config) withDefaults() Config {
	setDefault(&c.MaxEvent, 64<<10)
	setDefault(&c.MaxBody, 8<<20)
	setDefault(&c.MaxBatch, 1000)
	setDefault(&c.MaxUsers, 1000)
	setDefault(&c.RequestTimeout, 10*time.Second)
	if c.Tenant == nil {
		c.Tenant = func(*http.Request) string { return "" }
	}
	if c.AllowsOrigin == nil {
		c.AllowsOrigin = func(*http.Request) bool { return false }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
