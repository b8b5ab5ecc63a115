package api

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/protocol"
)

// Node is what the API needs of the engine. An error that a client may see is a protocol.Refusal. Calls with a context
// block until the engine has answered or the context ends; the others do not block.
type Node interface {
	Publish(ctx context.Context, tenant string, to actors.Target, ev *protocol.Event) (actors.Receipt, error)
	// PublishAll publishes events in turn, without a wait for each answer before the next event. answer gets the
	// answers in their order. An event that was not tried gets the context's error.
	PublishAll(
		ctx context.Context, tenant string, to actors.Target, events []*protocol.Event,
		answer func(actors.Receipt, error),
	)
	User(ctx context.Context, tenant, user string) (actors.UserInfo, error)
	// Connections and Topics return a page and the cursor of the next one, "" if this is the last.
	Connections(
		ctx context.Context, tenant string, q actors.ConnectionQuery,
	) (page []actors.ConnectionInfo, next string, err error)
	Connection(ctx context.Context, tenant, id string) (actors.ConnectionInfo, error)
	// Recorder keeps the connections that have ended, and what was refused.
	Recorder() *recorder.Recorder
	// Disconnect closes one connection, DisconnectUser all of a user's; code 0 is the node's default.
	Disconnect(tenant, id string, code uint16, reason string) error
	DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error)
	Topics(ctx context.Context, tenant string, q actors.TopicQuery) (page []actors.TopicInfo, next string, err error)
	History(ctx context.Context, tenant, topic string, after protocol.Position, limit int) (actors.HistoryPage, error)
	Present(ctx context.Context, tenant, topic string) ([]protocol.Member, error)
	Stats(tenant string) stats.Tenant
	// Revoke revokes tokens, and Unrevoke removes the revocation of the same user and token. The error StorageFull says
	// that this was done, but holds until a restart only.
	Revoke(ctx context.Context, tenant string, r grant.Revocation) (closed, unsubscribed int, err error)
	Unrevoke(tenant string, r grant.Revocation) (was bool, err error)
	// Probe sends a canary event through the real path, and returns how long it took.
	Probe(ctx context.Context) (time.Duration, error)
	// Health returns what is wrong beside what Probe finds.
	Health() actors.Health
	Metrics() actors.Metrics
	// Draining reports whether the node refuses new clients, since it is about to stop.
	Draining() bool
	// Attendance lists the members who are present in the topics at or below a prefix.
	Presence(ctx context.Context, tenant, prefix string) ([]presence.Member, error)

	// Tap shows the frames of a connection by its id, of a user or of a topic, whichever is not "".
	Tap(tenant, id, user, topic string) (*tap.Tap, error)

	// InjectFault begins a fault, which ends by itself or by EndFault.
	InjectFault(tenant string, spec fault.Spec) (fault.Info, error)
	Faults(tenant string) []fault.Info
	EndFault(tenant, id string) (fault.Info, error)

	Tenants() []string
	// DrainTenant closes a tenant's connections, paced until the context ends, and lets new ones in meanwhile.
	DrainTenant(ctx context.Context, tenant string) (closed int, err error)
	// RestartTenant stops a tenant's connections, users and topics and starts the tenant anew.
	RestartTenant(ctx context.Context, tenant string) error
	// SuspendTenant switches a tenant off (on is true), or on again.
	SuspendTenant(tenant string, on bool) error
}

// Keys finds the tenant of an API key. It compares keys in constant time.
type Keys interface {
	Tenant(apiKey string) (tenant string, ok bool)
}

// Tickets issues a single-use ticket to the user of a token. The error is a protocol.Refusal.
type Tickets interface {
	Issue(ctx context.Context, tenant, bearer string) (ticket string, err error)
}

// Outposts finds the outposts that a token is for, by uuid. The error is a protocol.Refusal: Forbidden if there is
// none.
type Outposts interface {
	OutpostsOf(ctx context.Context, tenant, bearer string) (uuids []string, err error)
	// Documents returns the documents of a tenant's outposts, by uuid. Nobody changes them.
	Documents(tenant string) map[string]Documents
}
