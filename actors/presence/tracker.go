package presence

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Tracker knows those who are present in a topic by the subscriptions of their connections. It belongs to the topic's
// actor. The zero Tracker is empty and ready.
type Tracker struct {
	members map[string]*present
	of      map[uint64]string // by the number of a connection
}

// present is a member with its connections.
type present struct {
	protocol.Member
	connections int
}

// MaxPresent bounds the members of one topic.
const MaxPresent = 10_000

// Admit says why a member may not come; nil if it may. most bounds the members, 0 for MaxPresent.
func (r *Tracker) Admit(m *protocol.Member, most int) *protocol.Refusal {
	if m == nil {
		return nil
	}
	if most <= 0 || most > MaxPresent {
		most = MaxPresent
	}
	if len(m.Info) > protocol.MaxMemberInfo {
		return protocol.Refuse(protocol.TooLarge, "what is told of a member has %d bytes; the limit is %d", len(m.Info),
			protocol.MaxMemberInfo)
	}
	if err := protocol.CheckName("the member", m.ID); err != nil {
		return protocol.AsRefusal(err)
	}
	if _, there := r.members[m.ID]; !there && len(r.members) >= most {
		return protocol.Refuse(protocol.TooMany, "the topic has %d members, which is the limit", most)
	}
	return nil
}

// Set says by which member a connection is present in the topic, nil for none. It returns the events that tell of it: a
// member that left, one that joined, both or none.
func (r *Tracker) Set(topic string, number uint64, m *protocol.Member, now time.Time) (news []*protocol.Event) {
	before, known := r.of[number]
	if known && m != nil && before == m.ID {
		return nil
	}
	if known {
		if left := r.leave(number, before); left != nil {
			news = append(news, protocol.MemberEvent(protocol.MemberLeft, topic, *left, now))
		}
	}
	if m == nil {
		return news
	}
	if r.members == nil {
		r.members, r.of = map[string]*present{}, map[uint64]string{}
	}
	r.of[number] = m.ID
	if p := r.members[m.ID]; p != nil {
		p.connections++
		return news
	}
	r.members[m.ID] = &present{*m, 1}
	return append(news, protocol.MemberEvent(protocol.MemberJoined, topic, *m, now))
}

// leave takes a connection off its member, and returns the member if that was its last.
func (r *Tracker) leave(number uint64, id string) *protocol.Member {
	delete(r.of, number)
	p := r.members[id]
	if p.connections--; p.connections > 0 {
		return nil
	}
	delete(r.members, id)
	if len(r.members) == 0 {
		*r = Tracker{}
	}
	return &p.Member
}

// List returns the members in the order of their IDs.
func (r *Tracker) List() []protocol.Member {
	all := make([]protocol.Member, 0, len(r.members))
	for p := range maps.Values(r.members) {
		all = append(all, p.Member)
	}
	slices.SortFunc(all, func(a, b protocol.Member) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
