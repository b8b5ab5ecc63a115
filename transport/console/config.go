package console

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/protocol"
)

// Config are the parts that the console shows, and who may see them. Functions may be called from many goroutines.
type Config struct {
	// AdminKey opens everything, ViewerKey what changes nothing; an empty one opens nothing.
	AdminKey, ViewerKey string
	// Dev lets everybody on loopback in, and adds the playground.
	Dev     bool
	Version string

	Node Node
	// Calls serves the HTTP API's calls of backends, Admin those of operators and what else the internal address has.
	Calls, Admin http.Handler
	// Ready returns how long a canary took, or why the server is not ready.
	Ready func(context.Context) (time.Duration, error)
	// Sockets is how many sockets are open, MaxSockets how many there may be, Descriptors the process's limit.
	Sockets                 func() int
	MaxSockets, Descriptors int
	// Dialects are those that are enabled, in the order of tables.
	Dialects func() []protocol.Dialect
	// Rule is what holds for a topic of a tenant, with nothing left open; false if there is no such tenant.
	Rule func(tenant, topic string) (policy.Rule, bool)
	// Settings are those that differ from their defaults, or that somebody has set.
	Settings func() []Setting
	// Backends are the tenants' backends that the server calls.
	Backends func() []Backend
	// Token signs a token for a user of the tenant of dev mode, whose clients may come back from now on to what they
	// missed; nil outside of it.
	Token func(user string) (string, error)

	Logger *slog.Logger
}

// Node is what the console needs of the engine. Its methods do not block.
type Node interface {
	Totals() actors.Metrics
	Metrics() actors.Metrics
	Health() actors.Health
	Draining() bool
	Tenants() []string
	OpenConnections(tenant string) int
}

// Setting is one setting as it is in effect. Value is masked if it is a secret.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Unit    string `json:"unit"`
	Help    string `json:"help"`
	// Origin is where it was set: file:line, a variable, a flag, or dev mode.
	Origin string `json:"origin"`
}

// Backend is one backend of a tenant: its webhook, or what it is asked about tokens.
type Backend struct {
	Tenant string `json:"tenant"`
	// Kind is webhook or introspection.
	Kind string `json:"kind"`
	// Done and Failed count calls, Waiting and Lost events.
	Done    uint64 `json:"done"`
	Failed  uint64 `json:"failed"`
	Waiting int    `json:"waiting"`
	Lost    uint64 `json:"lost"`
	// Failing says that the last call failed, or that it is not called for a while since too many did.
	Failing bool `json:"failing"`
	// LastError is why the last call failed that did, and when; "" and the zero time if none did or nobody keeps it.
	LastError string    `json:"last_error"`
	LastAt    time.Time `json:"last_error_at,omitzero"`
}
