package actors

import (
	"context"
	"slices"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// inspector holds the read calls of a node: for connections, users, topics, histories and statistics. It changes
// nothing, and knows nothing of the node but its tenants. Its methods may be called from many goroutines at once. Those
// with a context wait for actors, and are refused as Busy if it ends first.
type inspector struct{ tenants *tenants }

// Connections is one page of a tenant's connections, oldest first; next is the cursor of the following page, "" at the
// end. Errors are protocol.Refusals: NotFound (tenant), Malformed (cursor), Busy.
func (in *inspector) Connections(
	ctx context.Context, tenant string, q ConnectionQuery,
) (found []ConnectionInfo, next string, err error) {
	t, refusal := in.tenants.lookup(tenant)
	if refusal != nil {
		return nil, "", refusal
	}
	after := info.ConnectionNumber(q.Cursor)
	if q.Cursor != "" && after == 0 {
		return nil, "", protocol.Refuse(protocol.Malformed,
			"the cursor %s is not one that an earlier page ended with", protocol.Quote(q.Cursor))
	}
	limit := info.Page(q.Limit)
	for {
		candidates := t.links.Lowest(after, limit+1, func(l *Conn) bool {
			return (q.User == "" || l.user() == q.User) && (q.Dialect == "" || l.dialect().Name() == q.Dialect)
		})
		for _, l := range candidates {
			if len(found) == limit {
				return found, info.ConnectionID(after), nil
			}
			after = l.number()
			info, err := l.info(ctx)
			if err == nil && (q.Topic == "" || slices.Contains(info.Subscriptions, q.Topic)) {
				found = append(found, info)
			} // otherwise it ended meanwhile, or has no such subscription
		}
		if ctx.Err() != nil {
			return nil, "", mailbox.ErrBusy
		}
		if len(candidates) <= limit {
			return found, "", nil
		}
	}
}

// info asks the connection's actor for its subscriptions, and adds what can be read without it.
func (l *Conn) info(ctx context.Context) (ConnectionInfo, *protocol.Refusal) {
	answer := mailbox.NewReply[[]string]()
	l.box.Send(inspect{answer})
	topics, err := answer.Wait(ctx)
	if err != nil {
		return ConnectionInfo{}, err
	}
	info := ConnectionInfo{
		ID: l.ID(), Tenant: l.tenant().name, User: l.user(), Dialect: l.dialect().Name(),
		Remote: l.remote, Since: l.since(),
		InMessages: l.inMessages.Load(), InBytes: l.inBytes.Load(),
		Subscriptions: topics,
	}
	if l.resume != nil {
		info.Restored, info.Replayed = int(l.resume.Restored.Load()), int(l.resume.Replayed.Load())
		info.Missed = int(l.resume.Missed.Load())
	}
	stats := l.outbox.Stats()
	info.OutMessages, info.OutBytes = stats.SentFrames, stats.SentBytes
	info.QueuedFrames, info.QueuedBytes = stats.QueuedFrames, stats.QueuedBytes
	return info, nil
}

// Connection describes one connection. The error is a protocol.Refusal: NotFound if there is no such connection, Busy.
func (in *inspector) Connection(ctx context.Context, tenant, id string) (ConnectionInfo, error) {
	l, err := in.tenants.conn(tenant, id)
	if err != nil {
		return ConnectionInfo{}, err
	}
	info, err := l.info(ctx)
	if err != nil {
		return ConnectionInfo{}, err
	}
	return info, nil
}

// User describes a user and the user's connections. The error is a protocol.Refusal: NotFound if there are none, Busy.
func (in *inspector) User(ctx context.Context, tenant, name string) (UserInfo, error) {
	links, err := in.linksOf(ctx, tenant, name)
	if err != nil {
		return UserInfo{}, err
	}
	info := UserInfo{User: name}
	for _, l := range links {
		c, err := l.info(ctx)
		if err != nil {
			continue // it ended meanwhile
		}
		info.Connections = append(info.Connections, c)
		if info.Since.IsZero() || c.Since.Before(info.Since) {
			info.Since = c.Since
		}
	}
	if info.Connections == nil {
		return UserInfo{}, nobody(name)
	}
	return info, nil
}

func nobody(user string) *protocol.Refusal {
	return protocol.Refuse(protocol.NotFound, "user %s has no connection", protocol.Quote(user))
}

func (in *inspector) linksOf(ctx context.Context, tenant, name string) ([]*Conn, *protocol.Refusal) {
	t, err := in.tenants.lookup(tenant)
	if err != nil {
		return nil, err
	}
	answer := mailbox.NewReply[[]*Conn]()
	if !t.users.Send(name, listConns{answer}) {
		return nil, nobody(name)
	}
	return answer.Wait(ctx)
}

// OpenConnections counts the open connections of one tenant; 0 for an unknown one. Unlike Stats, it looks at none of
// them.
func (in *inspector) OpenConnections(tenant string) int {
	if t := in.tenants.tenant(tenant); t != nil {
		return int(t.connections.Load())
	}
	return 0
}

// Stats are the statistics of one tenant; zero for an unknown one.
func (in *inspector) Stats(tenant string) stats.Tenant {
	if t := in.tenants.tenant(tenant); t != nil {
		return t.stats()
	}
	return stats.Tenant{}
}
