package actors

import (
	"slices"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// mayDeliver asks a topic or a user whether a connection would get an event by it. The answer is the rules that decide;
// there are none if it would not by this topic.
type mayDeliver struct {
	delivery *fanout.Delivery
	link     *Conn
	mailbox.Reply[*decision.Record]
}

// askTopic has a topic answer.
func (m mayDeliver) askTopic(t *topic) { m.Reply.Give(m.byTopic(t)) }

// askUser has a user answer.
func (m mayDeliver) askUser(u *user) { m.Reply.Give(m.byUser(u)) }

func (m mayDeliver) byTopic(t *topic) (*decision.Record, *protocol.Refusal) {
	p, now := m.delivery, t.node().now()
	asked, steps := &decision.Record{}, &decision.Record{}
	if t.name == p.Event.Topic {
		if err := t.dedup.Ask(t.policy.DedupAge, p, now, asked); err != nil {
			return asked, err
		}
	}
	next := t.history.Position().Offset + 1
	mine, err := t.subscribers.Ask((*fanoutEngine)(t), &m.link.outbox, p, next, now, steps)
	if !mine {
		return nil, nil
	}
	asked.Text(decision.Subscription, t.name, true)
	if p.Batch != nil {
		asked.Change(decision.Batch, p.Batch.Window.String())
	}
	asked.Append(steps)
	return asked, err
}

func (m mayDeliver) byUser(u *user) (*decision.Record, *protocol.Refusal) {
	asked, now := &decision.Record{}, u.node().now()
	if !slices.Contains(u.links, m.link) {
		asked.Text(decision.Connected, u.name, false)
		return asked, errGone
	}
	if err := u.dedup.Ask(u.node().cfg.DedupAge, m.delivery, now, asked); err != nil {
		return asked, err
	}
	to := protocol.Delivery{Event: m.delivery.Event, View: m.link.view()}
	f := m.delivery.Frame(u.node().encoder, m.link.dialect(), to)
	return asked, fanout.AskFrame(&m.link.outbox, m.delivery, f, m.link.dialect(), asked)
}
