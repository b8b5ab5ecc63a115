package api

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// Node is what the API needs of the engine. Errors that a client may see are protocol.Refusals.
type Node interface {
	Publish(ctx context.Context, tenant string, to actors.Target, ev *protocol.Event) (actors.Receipt, error)
	User(ctx context.Context, tenant, user string) (actors.UserInfo, error)
	Connections(ctx context.Context, tenant string, q actors.ConnectionQuery) (page []actors.ConnectionInfo, next string, err error)
	Connection(ctx context.Context, tenant, id string) (actors.ConnectionInfo, error)
	// Disconnect closes one connection, DisconnectUser all of a user's; code 0 is the node's default.
	Disconnect(tenant, id string, code uint16, reason string) error
	DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error)
	Topics(ctx context.Context, tenant string, q actors.TopicQuery) (page []actors.TopicInfo, next string, err error)
	History(ctx context.Context, tenant, topic string, after protocol.Position, limit int) (actors.HistoryPage, error)
	Stats(tenant string) actors.Stats
	// Revoke takes rights back, and Unrevoke that of the same user and token. StorageFull: done, until a restart.
	Revoke(ctx context.Context, tenant string, r actors.Revocation) (closed, unsubscribed int, err error)
	Unrevoke(tenant string, r actors.Revocation) (was bool, err error)
	// Probe sends a canary through the real path; it ends when ctx does.
	Probe(ctx context.Context) (time.Duration, error)
	// Health tells what is wrong beside what Probe finds.
	Health() actors.Health
	Figures() actors.Figures
	// Draining says that the node lets no client in any more.
	Draining() bool
	// Attendance says who attends the topics at or below a prefix.
	Attendance(ctx context.Context, tenant, prefix string) ([]actors.Attendant, error)

	Tenants() []string
	// DrainTenant closes a tenant's connections, paced until the context ends, and lets new ones in.
	DrainTenant(ctx context.Context, tenant string) (closed int, err error)
	// RestartTenant ends a tenant's connections, users and topics and begins it anew.
	RestartTenant(ctx context.Context, tenant string) error
	// SuspendTenant switches a tenant off, or on again.
	SuspendTenant(tenant string, on bool) error
}

// Keys knows whose key it is. It compares in constant time.
type Keys interface {
	Tenant(apiKey string) (tenant string, ok bool)
}

// Tickets makes single-use tickets for users who show their own token. The error is a protocol.Refusal.
type Tickets interface {
	Issue(ctx context.Context, tenant, bearer string) (ticket string, err error)
}

// Outposts knows which outposts a token is for, by uuid. The error is a protocol.Refusal; none is Forbidden.
type Outposts interface {
	OutpostsOf(ctx context.Context, tenant, bearer string) (uuids []string, err error)
	// Documents are those of a tenant's outposts, by uuid.
	Documents(tenant string) map[string]Documents
}
