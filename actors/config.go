package actors

import (
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/lifecycle"
	"github.com/parley-realtime/parley/actors/settings"
)

// These are what a node is made with; their packages say more. A field of a Config that is zero has its default.
type (
	Config        = settings.Config
	TenantConfig  = settings.Tenant
	Lifecycle     = lifecycle.Config // where the lifecycle events of a tenant go
	LifecycleSink = lifecycle.Sink
	Authenticator = grant.Authenticator // checks credentials
	Authorizer    = grant.Authorizer    // knows rights that are not in an identity
)

// These are what the calls of a node take and return.
type (
	ConnectOptions    = info.ConnectOptions
	Metrics           = info.Metrics // a snapshot of everything that a node counts, since it started
	ConnectionInfo    = info.Connection
	ConnectionQuery   = info.ConnectionQuery
	SubscribeQuestion = info.SubscribeQuestion
	TopicQuery        = info.TopicQuery
	UserInfo          = info.User // a user who has connections
	TopicInfo         = info.Topic
	HistoryPage       = info.HistoryPage // a piece of a topic's history, oldest event first
	HistoryEntry      = info.HistoryEntry
	Health            = info.Health
	Storage           = info.Storage // the state of the store of durable topics
)
