package actors

import (
	"container/heap"
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// ConnectionInfo is what can be told of a connection.
type ConnectionInfo struct {
	ID, Tenant, User, Dialect, Remote string
	Since                             time.Time
	InMessages, InBytes               uint64
	OutMessages, OutBytes             uint64
	QueuedFrames, QueuedBytes         int
	// Subscriptions are the topics, sorted.
	Subscriptions []string
	// Restored are the subscriptions that it took over from a connection of its client that had broken, Replayed and Missed
	// the events from between that it got and did not get.
	Restored, Replayed, Missed int
}

// ConnectionQuery chooses connections; empty fields choose all.
type ConnectionQuery struct {
	User, Dialect, Topic string
	// Cursor is where the page before ended, Limit how many to return (default 100, at most 1000).
	Cursor string
	Limit  int
}

// UserInfo is a user with connections.
type UserInfo struct {
	User        string
	Since       time.Time // of the oldest connection
	Connections []ConnectionInfo
}

// TopicInfo is what can be told of a topic.
type TopicInfo struct {
	Name        string
	Subscribers int
	Position    protocol.Position
	History     int // events remembered
}

// TopicQuery chooses topics by prefix of their name.
type TopicQuery struct {
	Prefix, Cursor string
	Limit          int
}

// HistoryPage is a piece of a topic's history.
type HistoryPage struct {
	// Position is the newest the topic has.
	Position protocol.Position
	Events   []HistoryEntry
}

// Remembered is one event in a history.
type HistoryEntry struct {
	Offset uint64
	Event  *protocol.Event
}

// queries are what a node may be asked: for connections, users, topics and what they hold. They only look, and know
// nothing of the node but its tenants.
type inspector struct{ tenants *tenants }

const (
	defaultPage = 100
	maxPage     = 1000
)

func page(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, maxPage)
}

// Connections is one page of a tenant's connections, oldest first; next is the cursor of the page behind it, "" at the
// end.
func (qs *inspector) Connections(ctx context.Context, tenant string, q ConnectionQuery) (found []ConnectionInfo, next string, err error) {
	t, why := qs.tenants.lookup(tenant)
	if why != nil {
		return nil, "", why
	}
	after := numberOf(q.Cursor)
	if q.Cursor != "" && after == 0 {
		return nil, "", protocol.Refuse(protocol.Malformed, "the cursor %s is not one that an earlier page ended with", protocol.Quote(q.Cursor))
	}
	limit := page(q.Limit)
	for {
		candidates := t.oldest(after, limit+1, func(l *Conn) bool {
			return (q.User == "" || l.user() == q.User) && (q.Dialect == "" || l.dialect().Name() == q.Dialect)
		})
		for _, l := range candidates {
			if len(found) == limit {
				return found, idOf(after), nil
			}
			after = l.number()
			info, why := l.info(ctx)
			if why == nil && (q.Topic == "" || slices.Contains(info.Subscriptions, q.Topic)) {
				found = append(found, info)
			} // else it ended meanwhile, or does not fit
		}
		if ctx.Err() != nil {
			return nil, "", mailbox.ErrBusy
		}
		if len(candidates) <= limit {
			return found, "", nil
		}
	}
}

// oldest returns the count connections with the lowest numbers above after that fit.
func (t *tenantCore) oldest(after uint64, count int, fits func(*Conn) bool) []*Conn {
	var best newestFirst
	t.links.each(func(l *Conn) bool {
		if l.number() > after && fits(l) && (len(best) < count || l.number() < best[0].number()) {
			heap.Push(&best, l)
			if len(best) > count {
				heap.Pop(&best)
			}
		}
		return true
	})
	sort.Slice(best, func(i, j int) bool { return best[i].number() < best[j].number() })
	return best
}

type newestFirst []*Conn

func (h newestFirst) Len() int           { return len(h) }
func (h newestFirst) Less(i, j int) bool { return h[i].number() > h[j].number() }
func (h newestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *newestFirst) Push(x any)        { *h = append(*h, x.(*Conn)) }
func (h *newestFirst) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// info asks the connection itself for its subscriptions.
func (l *Conn) info(ctx context.Context) (ConnectionInfo, *protocol.Refusal) {
	answer := mailbox.NewReply[[]string]()
	l.box.Send(inspect{answer})
	topics, why := answer.Wait(ctx)
	if why != nil {
		return ConnectionInfo{}, why
	}
	info := ConnectionInfo{
		ID: l.ID(), Tenant: l.tenant().name, User: l.user(), Dialect: l.dialect().Name(), Remote: l.remote, Since: l.since(),
		InMessages: l.inMessages.Load(), InBytes: l.inBytes.Load(),
		Subscriptions: topics,
	}
	if l.resume != nil {
		info.Restored, info.Replayed, info.Missed = int(l.resume.Restored.Load()), int(l.resume.Replayed.Load()), int(l.resume.Missed.Load())
	}
	info.OutMessages, info.OutBytes = l.outbox.Sent()
	info.QueuedFrames, info.QueuedBytes = l.outbox.Waiting()
	return info, nil
}

// Connection tells of one connection. NotFound if there is none.
func (qs *inspector) Connection(ctx context.Context, tenant, id string) (ConnectionInfo, error) {
	l, why := qs.tenants.conn(tenant, id)
	if why != nil {
		return ConnectionInfo{}, why
	}
	info, why := l.info(ctx)
	if why != nil {
		return ConnectionInfo{}, why
	}
	return info, nil
}

// User tells of a user's connections. NotFound if there are none.
func (qs *inspector) User(ctx context.Context, tenant, name string) (UserInfo, error) {
	links, why := qs.linksOf(ctx, tenant, name)
	if why != nil {
		return UserInfo{}, why
	}
	info := UserInfo{User: name}
	for _, l := range links {
		c, why := l.info(ctx)
		if why != nil {
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

func (qs *inspector) linksOf(ctx context.Context, tenant, name string) ([]*Conn, *protocol.Refusal) {
	t, why := qs.tenants.lookup(tenant)
	if why != nil {
		return nil, why
	}
	answer := mailbox.NewReply[[]*Conn]()
	if !t.users.Send(name, listConns{answer}) {
		return nil, nobody(name)
	}
	return answer.Wait(ctx)
}

// Topics is one page of a tenant's topics by name, those that are only on disk included; next is the cursor of the page
// behind it, "" at the end.
func (qs *inspector) Topics(ctx context.Context, tenant string, q TopicQuery) (found []TopicInfo, next string, err error) {
	t, why := qs.tenants.lookup(tenant)
	if why != nil {
		return nil, "", why
	}
	limit := page(q.Limit)
	names, stored, why := t.topicNames(q, limit+1)
	if why != nil {
		return nil, "", why
	}
	for i, name := range names {
		if i == limit {
			return found, names[i-1], nil
		}
		answer := mailbox.NewReply[TopicInfo]()
		if !t.topics.Send(name, describe{answer}) {
			if s, ok := stored[name]; ok {
				found = append(found, TopicInfo{Name: name, Position: s.Position, History: s.Events})
			}
			continue
		}
		info, why := answer.Wait(ctx)
		if why != nil {
			return nil, "", why
		}
		found = append(found, info)
	}
	return found, "", nil
}

// topicNames are the names that a query is about, sorted, and where those stand that are on disk. Of these there are at
// most so many.
func (t *tenantCore) topicNames(q TopicQuery, most int) (names []string, stored map[string]durable.TopicInfo, why *protocol.Refusal) {
	t.topics.Each(func(name string, _ *mailbox.Mailbox) bool {
		if name > q.Cursor && strings.HasPrefix(name, q.Prefix) && name != broadcastTopic {
			names = append(names, name)
		}
		return true
	})
	if store := t.node.store.Load(); store != nil {
		all, err := store.Topics(t.name, q.Prefix, q.Cursor, most)
		if err != nil {
			t.node.log.Error("the durable topics cannot be listed", "tenant", t.name, "cause", err)
			return nil, nil, &protocol.Refusal{Reason: protocol.Internal}
		}
		stored = make(map[string]durable.TopicInfo, len(all))
		for _, s := range all {
			stored[s.Name] = s
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), stored, nil
}

// History returns at most limit events of a topic behind a position; the zero position means from the oldest. NotFound
// if there is no such topic, PositionLost if the position is not in the history, which that of a topic that is not there
// any more never is.
func (qs *inspector) History(ctx context.Context, tenant, topic string, after protocol.Position, limit int) (HistoryPage, error) {
	t, why := qs.tenants.lookup(tenant)
	if why != nil {
		return HistoryPage{}, why
	}
	if err := protocol.CheckTopic(topic); err != nil {
		return HistoryPage{}, err
	}
	answer := mailbox.NewReply[HistoryPage]()
	ask := readHistory{after, page(limit), answer}
	switch {
	case t.topics.Send(topic, ask):
	case t.stored(topic):
		t.topic(topic, ask)
	case after != (protocol.Position{}):
		return HistoryPage{}, protocol.Refuse(protocol.PositionLost, "there is no topic %s any more, so nothing is left of what was at offset %d; its next event begins a new epoch", protocol.Quote(topic), after.Offset)
	default:
		return HistoryPage{}, protocol.Refuse(protocol.NotFound, "no topic %s", protocol.Quote(topic))
	}
	found, why := answer.Wait(ctx)
	if why != nil {
		return found, why
	}
	return found, nil
}
