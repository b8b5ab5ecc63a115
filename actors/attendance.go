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
type Attendant struct {
	Topic, Member string
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
	attend struct {
		member string
		data   []byte
		life   time.Duration
		link   *Link
	}
	// rollCall answers with the members that are alive.
	rollCall struct{ reply mailbox.Reply[[]Attendant] }
)

func (m rollCall) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }

// refuse has nobody to tell: the member attends again before its life ends.
func (m attend) Refuse(*protocol.Refusal) {}

// maxAttendants bounds the members of one topic; with one more, the one that ends soonest is forgotten.
const maxAttendants = 1024

// attendance is who attends a topic. It belongs to the topic's actor.
type attendance map[string]Attendant

func (a attendance) note(topic string, m attend, now time.Time) attendance {
	if a == nil {
		a = attendance{}
	}
	before, known := a[m.member]
	if !known {
		before = Attendant{Topic: topic, Member: m.member, Since: now}
		if a.expire(now); len(a) >= maxAttendants {
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

func (a attendance) expire(now time.Time) {
	for member, is := range a {
		if !now.Before(is.Until) {
			delete(a, member)
		}
	}
}

func (a attendance) forgetOne() {
	first := ""
	for member, is := range a {
		if first == "" || is.Until.Before(a[first].Until) {
			first = member
		}
	}
	delete(a, first)
}

// present are the members that are alive, by name.
func (a attendance) present(now time.Time) []Attendant {
	a.expire(now)
	var all []Attendant
	for _, is := range a {
		all = append(all, is)
	}
	slices.SortFunc(all, func(x, y Attendant) int { return strings.Compare(x.Member, y.Member) })
	return all
}

// Attendance tells who attends the topics at or below prefix at the moment, by topic and member.
func (qs *queries) Attendance(ctx context.Context, tenant, prefix string) ([]Attendant, error) {
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
	var all []Attendant
	for _, name := range names {
		answer := mailbox.NewReply[[]Attendant]()
		if !t.topics.Send(name, rollCall{answer}) {
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
