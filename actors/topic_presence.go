package actors

import (
	"context"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
)

// What a topic understands of attendance.
type (
	// attend notes a member.
	announce struct {
		member string
		data   []byte
		life   time.Duration
		link   *Conn
	}
	// rollCall answers with the members that are alive.
	listMembers struct {
		reply mailbox.Reply[[]presence.Member]
	}
)

func (m listMembers) Refuse(why *protocol.Refusal) { m.reply.Refuse(why) }

// refuse has nobody to tell: the member attends again before its life ends.
func (m announce) Refuse(*protocol.Refusal) {}

// Attendance tells who attends the topics at or below prefix at the moment, by topic and member.
func (qs *inspector) Presence(ctx context.Context, tenant, prefix string) ([]presence.Member, error) {
	t, why := qs.tenants.lookup(tenant)
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
	var all []presence.Member
	for _, name := range names {
		answer := mailbox.NewReply[[]presence.Member]()
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
