package actors

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
)

// Topics is one page of a tenant's topics, sorted by name, including those that are only on disk; next is the cursor of
// the following page, "" at the end. It may read the disk. Errors are protocol.Refusals: NotFound (tenant), Busy,
// Internal (the disk).
func (in *inspector) Topics(
	ctx context.Context, tenant string, q TopicQuery,
) (found []TopicInfo, next string, err error) {
	t, refusal := in.tenants.lookup(tenant)
	if refusal != nil {
		return nil, "", refusal
	}
	limit := info.Page(q.Limit)
	names, stored, refusal := topicNames(t, q, limit+1)
	if refusal != nil {
		return nil, "", refusal
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
		info, err := answer.Wait(ctx)
		if err != nil {
			return nil, "", err
		}
		found = append(found, info)
	}
	return found, "", nil
}

// topicNames are the names that q chooses, sorted, and the state of those that are on disk. Of the latter there are at
// most so many.
func topicNames(
	t *tenantCore, q TopicQuery, most int,
) (names []string, stored map[string]durable.TopicInfo, err *protocol.Refusal) {
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

// History returns at most limit events of a topic after a position; the zero position means from the oldest. limit is
// that of ConnectionQuery. It may read the disk. Errors are protocol.Refusals: NotFound (no such tenant or topic),
// Malformed (topic), PositionLost (the position is not in the history, as is any position of a topic that has gone),
// Busy, Internal (the disk).
func (in *inspector) History(
	ctx context.Context, tenant, topic string, after protocol.Position, limit int,
) (HistoryPage, error) {
	t, err := in.tenants.lookup(tenant)
	if err != nil {
		return HistoryPage{}, err
	}
	if err := protocol.CheckTopic(topic); err != nil {
		return HistoryPage{}, err
	}
	answer := mailbox.NewReply[HistoryPage]()
	ask := readHistory{after, info.Page(limit), false, answer}
	switch {
	case t.topics.Send(topic, ask):
	case t.stored(topic):
		t.topic(topic, ask)
	case after != (protocol.Position{}):
		return HistoryPage{}, protocol.Refuse(protocol.PositionLost,
			"there is no topic %s any more, so nothing is left of what was at offset %d; "+
				"its next event begins a new epoch", protocol.Quote(topic), after.Offset)
	default:
		return HistoryPage{}, protocol.Refuse(protocol.NotFound, "no topic %s", protocol.Quote(topic))
	}
	found, err := answer.Wait(ctx)
	if err != nil {
		return found, err
	}
	return found, nil
}

// Present lists those who are present in a topic by their subscriptions, by ID; none if there is no such topic. Errors
// are protocol.Refusals: NotFound (tenant), Malformed (topic), Busy.
func (in *inspector) Present(ctx context.Context, tenant, topic string) ([]protocol.Member, error) {
	t, err := in.tenants.lookup(tenant)
	if err != nil {
		return nil, err
	}
	if err := protocol.CheckTopic(topic); err != nil {
		return nil, err
	}
	answer := mailbox.NewReply[[]protocol.Member]()
	if !t.topics.Send(topic, readMembers{answer}) {
		return nil, nil
	}
	members, err := answer.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return members, nil
}

// Presence lists the members that are present now at the topics at or below prefix, by topic and member. Errors are
// protocol.Refusals: NotFound (tenant), Busy.
func (in *inspector) Presence(ctx context.Context, tenant, prefix string) ([]presence.Member, error) {
	t, err := in.tenants.lookup(tenant)
	if err != nil {
		return nil, err
	}
	var names []string
	t.topics.Each(func(name string, _ *mailbox.Mailbox) bool {
		if protocol.Under(name, prefix) {
			names = append(names, name)
		}
		return true
	})
	slices.Sort(names)
	var all []presence.Member
	for _, name := range names {
		answer := mailbox.NewReply[[]presence.Member]()
		if !t.topics.Send(name, listMembers{answer}) {
			continue
		}
		present, err := answer.Wait(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, present...)
	}
	return all, nil
}
