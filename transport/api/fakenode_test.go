package api

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
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

var _ Node = (*actors.Node)(nil)

// noon is when everything in the fake node happened.
var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// fakeNode is a tenant "acme" with the users, connections and topics that it is given. It does what actors.Node says it
// does, in a few lines and without time.
type fakeNode struct {
	mu         sync.Mutex
	published  []publishCall
	topics     map[string]*fakeTopic
	users      map[string][]actors.ConnectionInfo // by user
	closed     map[string]closeOptions            // by connection
	revoked    []grant.Revocation
	draining   bool
	figures    actors.Metrics
	health     actors.Health
	fail       error // what every call answers, if set
	panics     bool
	taps       tap.Taps
	injected   []fault.Info
	onPublish  func(ctx context.Context) error
	probe      func(ctx context.Context) (time.Duration, error)
	queries    []any
	members    []presence.Member
	operations []string // what operators did
	recorder   *recorder.Recorder
}

type publishCall struct {
	tenant string
	to     actors.Target
	event  *protocol.Event
}

type fakeTopic struct {
	events      []actors.HistoryEntry
	receipts    map[string]actors.Receipt
	subscribers int
}

func newFakeNode() *fakeNode {
	return &fakeNode{topics: map[string]*fakeTopic{}, users: map[string][]actors.ConnectionInfo{},
		closed: map[string]closeOptions{}, recorder: recorder.New(100, 1<<20)}
}

func (n *fakeNode) Recorder() *recorder.Recorder { return n.recorder }

// connect adds a connection.
func (n *fakeNode) connect(id, user string, topics ...string) {
	n.users[user] = append(n.users[user], actors.ConnectionInfo{
		ID: id, Tenant: "acme", User: user, Dialect: "dashboard", Remote: "192.0.2.7", Since: noon, InMessages: 3,
		InBytes:     120,
		OutMessages: 9, OutBytes: 2048, QueuedFrames: 1, QueuedBytes: 77, Subscriptions: topics,
	})
	for _, t := range topics {
		n.topic(t).subscribers++
	}
}

func (n *fakeNode) topic(name string) *fakeTopic {
	if n.topics[name] == nil {
		n.topics[name] = &fakeTopic{receipts: map[string]actors.Receipt{}}
	}
	return n.topics[name]
}

func (n *fakeNode) check(tenant string) error {
	if n.panics {
		panic("the secret is s3cret\x1b[2J")
	}
	if n.fail == nil && tenant != "acme" {
		return protocol.Refuse(protocol.NotFound, "unknown tenant")
	}
	return n.fail
}

func (n *fakeNode) PublishAll(
	ctx context.Context, tenant string, to actors.Target, events []*protocol.Event, answer func(actors.Receipt, error),
) {
	for _, ev := range events {
		if err := ctx.Err(); err != nil {
			answer(actors.Receipt{}, err)
			continue
		}
		answer(n.Publish(ctx, tenant, to, ev))
	}
}

func (n *fakeNode) Publish(
	ctx context.Context, tenant string, to actors.Target, ev *protocol.Event,
) (actors.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.check(tenant); err != nil {
		return actors.Receipt{}, err
	}
	if n.onPublish != nil {
		if err := n.onPublish(ctx); err != nil {
			return actors.Receipt{}, err
		}
	}
	n.published = append(n.published, publishCall{tenant, to, ev})
	r := actors.Receipt{ID: ev.ID, Topic: to.Topic}
	if r.ID == "" {
		r.ID = "made-" + strconv.Itoa(len(n.published))
	}
	for user, all := range n.users {
		if to.All || slices.Contains(to.Users, user) {
			r.Delivered += len(all)
		}
	}
	if to.Topic == "" {
		return r, nil
	}
	return n.topic(to.Topic).publish(r, ev), nil
}

func (t *fakeTopic) publish(r actors.Receipt, ev *protocol.Event) actors.Receipt {
	if first, known := t.receipts[r.ID]; known {
		first.Duplicate = true
		return first
	}
	stamped := *ev
	stamped.ID, stamped.Time = r.ID, noon
	r.Position = protocol.Position{Epoch: "e1", Offset: uint64(len(t.events) + 1)}
	r.Delivered = t.subscribers
	t.receipts[r.ID] = r
	t.events = append(t.events, actors.HistoryEntry{Offset: r.Position.Offset, Event: &stamped})
	return r
}

func (n *fakeNode) User(_ context.Context, tenant, user string) (actors.UserInfo, error) {
	if err := n.check(tenant); err != nil {
		return actors.UserInfo{}, err
	}
	if n.users[user] == nil {
		return actors.UserInfo{}, protocol.Refuse(protocol.NotFound, "nobody")
	}
	return actors.UserInfo{User: user, Since: noon, Connections: n.users[user]}, nil
}

// connections are all that there are, by id.
func (n *fakeNode) connections() (all []actors.ConnectionInfo) {
	for _, some := range n.users {
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b actors.ConnectionInfo) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (n *fakeNode) Connections(
	_ context.Context, tenant string, q actors.ConnectionQuery,
) (page []actors.ConnectionInfo, next string, err error) {
	n.queries = append(n.queries, q)
	if err := n.check(tenant); err != nil {
		return nil, "", err
	}
	for _, c := range n.connections() {
		if c.ID <= q.Cursor || q.User != "" && c.User != q.User ||
			q.Topic != "" && !slices.Contains(c.Subscriptions, q.Topic) {
			continue
		}
		if len(page) == q.Limit {
			return page, page[len(page)-1].ID, nil
		}
		page = append(page, c)
	}
	return page, "", nil
}

func (n *fakeNode) Connection(_ context.Context, tenant, id string) (actors.ConnectionInfo, error) {
	if err := n.check(tenant); err != nil {
		return actors.ConnectionInfo{}, err
	}
	for _, c := range n.connections() {
		if c.ID == id {
			return c, nil
		}
	}
	return actors.ConnectionInfo{}, protocol.Refuse(protocol.NotFound, "no connection %s", protocol.Quote(id))
}

func (n *fakeNode) Disconnect(tenant, id string, code uint16, reason string) error {
	if _, err := n.Connection(context.Background(), tenant, id); err != nil {
		return err
	}
	n.closed[id] = closeOptions{code, reason}
	return nil
}

func (n *fakeNode) DisconnectUser(_ context.Context, tenant, user string, code uint16, reason string) (int, error) {
	if _, err := n.User(context.Background(), tenant, user); err != nil {
		return 0, err
	}
	for _, c := range n.users[user] {
		n.closed[c.ID] = closeOptions{code, reason}
	}
	return len(n.users[user]), nil
}

func (n *fakeNode) Topics(
	_ context.Context, tenant string, q actors.TopicQuery,
) (page []actors.TopicInfo, next string, err error) {
	n.queries = append(n.queries, q)
	if err := n.check(tenant); err != nil {
		return nil, "", err
	}
	for _, name := range slices.Sorted(maps.Keys(n.topics)) {
		if name <= q.Cursor || !strings.HasPrefix(name, q.Prefix) {
			continue
		}
		if len(page) == q.Limit {
			return page, page[len(page)-1].Name, nil
		}
		t := n.topics[name]
		page = append(page, actors.TopicInfo{Name: name, Subscribers: t.subscribers, History: len(t.events),
			Position: protocol.Position{Epoch: "e1", Offset: uint64(len(t.events))}})
	}
	return page, "", nil
}

func (n *fakeNode) History(
	_ context.Context, tenant, topic string, after protocol.Position, limit int,
) (actors.HistoryPage, error) {
	if err := n.check(tenant); err != nil {
		return actors.HistoryPage{}, err
	}
	t := n.topics[topic]
	if t == nil {
		return actors.HistoryPage{}, protocol.Refuse(protocol.NotFound, "no topic")
	}
	if after.Epoch != "" && after.Epoch != "e1" || after.Offset > uint64(len(t.events)) {
		return actors.HistoryPage{}, &protocol.Refusal{Reason: protocol.PositionLost}
	}
	rest := t.events[after.Offset:]
	return actors.HistoryPage{Position: protocol.Position{Epoch: "e1", Offset: uint64(len(t.events))},
		Events: rest[:min(limit, len(rest))]}, nil
}

func (n *fakeNode) Present(_ context.Context, tenant, topic string) ([]protocol.Member, error) {
	if err := n.check(tenant); err != nil {
		return nil, err
	}
	if topic != "projects/apollo" {
		return nil, nil
	}
	return []protocol.Member{{ID: "alice", Info: []byte(`{"name":"Alice"}`)}}, nil
}

func (n *fakeNode) Stats(string) stats.Tenant {
	d := stats.Connections{TotalConnections: 4, ActiveConnections: 2, Authenticated: 1, MessagesReceived: 10,
		MessagesSent:  30,
		BytesReceived: 400, BytesSent: 9000, Lifetime: 50 * time.Second}
	return stats.Tenant{Connections: d, Dialects: map[string]stats.Connections{"dashboard": d}}
}

func (n *fakeNode) Revoke(_ context.Context, tenant string, r grant.Revocation) (int, int, error) {
	if err := n.check(tenant); err != nil {
		return 0, 0, err
	}
	n.revoked = append(n.revoked, r)
	return len(n.users[r.User]), 0, nil
}

func (n *fakeNode) Unrevoke(tenant string, r grant.Revocation) (bool, error) {
	if err := n.check(tenant); err != nil {
		return false, err
	}
	before := len(n.revoked)
	n.revoked = slices.DeleteFunc(n.revoked, func(known grant.Revocation) bool {
		return known.User == r.User && known.TokenID == r.TokenID
	})
	return len(n.revoked) < before, nil
}

func (n *fakeNode) Probe(ctx context.Context) (time.Duration, error) {
	if n.probe != nil {
		return n.probe(ctx)
	}
	return 400 * time.Microsecond, n.fail
}

func (n *fakeNode) Metrics() actors.Metrics { return n.figures }

func (n *fakeNode) Health() actors.Health { return n.health }

func (n *fakeNode) Draining() bool { return n.draining }

// Attendance is as actors.Node has it: at or below prefix.
func (n *fakeNode) Presence(_ context.Context, tenant, prefix string) (all []presence.Member, err error) {
	if err := n.check(tenant); err != nil {
		return nil, err
	}
	for _, a := range n.members {
		if protocol.Under(a.Topic, prefix) {
			all = append(all, a)
		}
	}
	return all, nil
}
