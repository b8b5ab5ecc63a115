package actors

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// Attendant is a member of a topic that said, not long ago, that it is alive: an instance of an outpost.
type Member struct {
	Topic, Name string
	// Data is what it told of itself last, as it told it.
	Data []byte
	// Since is when it was first heard of, Seen when it was last; at Until it is forgotten, unless it attends again.
	Since, Seen, Until time.Time
	// Connection is the id of the connection it came by last.
	Connection string
}

// What a topic understands of attendance.
type (
	// attend notes a member.
	announce struct {
		member string
		data   []byte
		life   time.Duration
		link   *Link
	}
	// rollCall answers with the members that are alive.
	listMembers struct{ reply mailbox.Reply[[]Member] }
)

func (m listMembers) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }

// refuse has nobody to tell: the member attends again before its life ends.
func (m announce) Refuse(*protocol.Refusal) {}

// maxAttendants bounds the members of one topic; with one more, the one that ends soonest is forgotten.
const MaxMembers = 1024

// attendance is who attends a topic. It belongs to the topic's actor.
type Members map[string]Member

func (a Members) Note(topic string, m announce, now time.Time) Members {
	if a == nil {
		a = Members{}
	}
	before, known := a[m.member]
	if !known {
		before = Member{Topic: topic, Name: m.member, Since: now}
		if a.expire(now); len(a) >= MaxMembers {
			a.forgetOne()
		}
	}
	if m.data != nil || !known {
		before.Data = m.data
	}
	before.Seen, before.Until, before.Connection = now, now.Add(m.life), m.link.ID()
	a[m.member] = before
	return a
}

func (a Members) expire(now time.Time) {
	for member, is := range a {
		if !now.Before(is.Until) {
			delete(a, member)
		}
	}
}

func (a Members) forgetOne() {
	first := ""
	for member, is := range a {
		if first == "" || is.Until.Before(a[first].Until) {
			first = member
		}
	}
	delete(a, first)
}

// present are the members that are alive, by name.
func (a Members) List(now time.Time) []Member {
	a.expire(now)
	var all []Member
	for _, is := range a {
		all = append(all, is)
	}
	slices.SortFunc(all, func(x, y Member) int { return strings.Compare(x.Name, y.Name) })
	return all
}

// Attendance tells who attends the topics at or below prefix at the moment, by topic and member.
func (qs *queries) Presence(ctx context.Context, tenant, prefix string) ([]Member, error) {
	t, why := qs.tenants.known(tenant)
	if why != nil {
		return nil, why
	}
	var names []string
	t.topics.Each(func(name string, _ *mailbox.Mailbox) bool {
		if protocol.Under(name, prefix) {
			names = append(names, name)
		}
		return true
	})
	slices.Sort(names)
	var all []Member
	for _, name := range names {
		answer := mailbox.NewReply[[]Member]()
		if !t.topics.Send(name, listMembers{answer}) {
			continue
		}
		present, why := answer.Wait(ctx)
		if why != nil {
			return nil, why
		}
		all = append(all, present...)
	}
	return all, nil
}
