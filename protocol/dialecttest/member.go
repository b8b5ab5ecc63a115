package dialecttest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// present are those who are present in a topic, in the order of their IDs.
func present(e *Engine, topic string) []protocol.Member {
	found := map[string]protocol.Member{}
	for _, c := range e.alive() {
		for _, s := range c.topics {
			if s.topic == topic && s.filter.Member != nil {
				if _, there := found[s.filter.Member.ID]; !there {
					found[s.filter.Member.ID] = *s.filter.Member
				}
			}
		}
	}
	byID := func(a, b protocol.Member) int { return cmp.Compare(a.ID, b.ID) }
	return slices.SortedFunc(maps.Values(found), byID)
}

// watch does what may change who is present in the topics of a connection or in another topic, and tells those who
// asked, except for the connection.
func watch(c *Connection, topic string, change func()) {
	topics := append(c.Topics(), topic)
	slices.Sort(topics)
	topics = slices.Compact(topics)
	before := map[string][]protocol.Member{}
	for _, name := range topics {
		before[name] = present(c.engine, name)
	}
	change()
	for _, name := range topics {
		after := present(c.engine, name)
		tellMembers(c, protocol.MemberLeft, name, before[name], after)
		tellMembers(c, protocol.MemberJoined, name, after, before[name])
	}
}

// tellMembers tells all other connections that asked of the members of a topic that are not among others.
func tellMembers(c *Connection, kind protocol.Kind, topic string, members, others []protocol.Member) {
	for _, m := range members {
		if slices.ContainsFunc(others, func(o protocol.Member) bool { return o.ID == m.ID }) {
			continue
		}
		ev := protocol.MemberEvent(kind, topic, m, c.engine.now)
		for _, other := range slices.Clone(c.engine.alive()) {
			if i := find(other.topics, topic); other != c && i >= 0 && other.topics[i].filter.Members {
				s := other.topics[i]
				other.deliver(s.delivery(c.engine, ev, protocol.All, c.engine.position(topic).Offset))
			}
		}
	}
}

// find is the place of a topic among subscriptions, -1 if it is in none.
func find(topics []*subscription, topic string) int {
	return slices.IndexFunc(topics, func(s *subscription) bool { return s.topic == topic })
}

// tooMany reports whether a member is one more than may be present; most is 0 for no bound.
func tooMany(members []protocol.Member, m *protocol.Member, most int) bool {
	known := slices.ContainsFunc(members, func(o protocol.Member) bool { return o.ID == m.ID })
	return most > 0 && len(members) >= most && !known
}
