package settings

import (
	"time"

	"github.com/parley-realtime/parley/actors/lifecycle"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
)

// Tenant is the settings of one tenant: its limits and rules.
type Tenant struct {
	Name string
	// Connections bounds the tenant's open connections, of all dialects together; 0 is no limit.
	Connections int
	// Linger is how long the client of a broken connection may come back to its session; 0 is the node's
	// (Config.Linger), a negative time switches it off.
	Linger time.Duration
	// Rules are the rules of the tenant's topics.
	Rules policy.Rules
	// Rates limit how fast the tenant's messages, subscriptions and publishes may come in.
	Rates limit.RateLimits
	// Lifecycle says where the lifecycle events of the tenant's connections and users go.
	Lifecycle lifecycle.Config
}
