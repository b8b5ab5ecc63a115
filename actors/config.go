package actors

import (
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/lifecycle"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/settings"
)

// Config is the settings of a node. A field that is zero has its default.
type Config = settings.Config

// Lifecycle says where the lifecycle events of a tenant's connections and users go. The zero value switches them off.
type Lifecycle = lifecycle.Config

// LifecycleSink takes the lifecycle events of one tenant to its backend.
type LifecycleSink = lifecycle.Sink

// Authenticator checks credentials. Authorizer knows rights that are not in an identity.
type (
	Authenticator = grant.Authenticator
	Authorizer    = grant.Authorizer
)

// These are what the read calls of a node take and return.
type (
	Metrics           = info.Metrics // a snapshot of everything that a node counts, since it started
	ConnectionInfo    = info.Connection
	ConnectionQuery   = info.ConnectionQuery
	SubscribeQuestion = info.SubscribeQuestion
	TopicQuery        = info.TopicQuery
	UserInfo          = info.User // a user who has connections
	TopicInfo         = info.Topic
	HistoryPage       = info.HistoryPage // a piece of a topic's history, oldest event first
	HistoryEntry      = info.HistoryEntry
	Storage           = info.Storage // the state of the store of durable topics
)

// TenantConfig is the settings of one tenant: its limits and rules.
type TenantConfig struct {
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
	Lifecycle Lifecycle
}
