package actors

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/protocol"
)

// Target says whom an event is for: a topic, some users, or all connections of the tenant. Exactly one is set.
type Target struct {
	Topic string
	Users []string
	All   bool
	// Exclude is the id of a connection ("ws-7") that does not get the event; "" for none.
	Exclude string
}

// Receipt is the answer to a publish: the event's id, its position, and how many connections got it.
type Receipt = fanout.Receipt

func (to *Target) check() *protocol.Refusal {
	switch {
	case to.Topic != "" && (to.Users != nil || to.All),
		to.Users != nil && to.All,
		to.Topic == "" && to.Users == nil && !to.All:
		return protocol.Refuse(protocol.Malformed, "an event is for exactly one of a topic, users, or all")
	case to.Topic != "":
		if protocol.Reserved(to.Topic) {
			return protocol.Refuse(protocol.Forbidden,
				"the topic %s is the server's own; publish to another", protocol.Quote(to.Topic))
		}
		return protocol.AsRefusal(protocol.CheckTopic(to.Topic))
	}
	return nil
}

// delivery makes the delivery of an event, and returns the event's id. An event without an id gets one that no dedup
// window has to remember.
func (to *Target) delivery(ev *protocol.Event, now time.Time) (*fanout.Delivery, string) {
	stamped := *ev
	if stamped.Time == (time.Time{}) {
		stamped.Time = now
	}
	stamped.Topic = to.Topic
	id, made := stamped.ID, false
	if id == "" {
		id, made = rand.Text(), true
	}
	stamped.ID = id
	p := fanout.NewDelivery(&stamped, made)
	p.Exclude, p.Born = numberOf(to.Exclude), now.UnixNano()
	return p, id
}

// dispatch sends a delivery on its way. If the topic or user is idle, the publisher runs it here: it would wait for it
// anyway.
func dispatch(t *tenantCore, to Target, p *fanout.Delivery) {
	switch {
	case to.Topic != "":
		t.publish(to.Topic, p)
	case to.All:
		t.publish(broadcastTopic, p)
	default:
		users := to.Users
		if len(users) > 1 {
			users = slices.Compact(slices.Sorted(slices.Values(users)))
		}
		p.Result.Expect(len(users))
		t.publishToUsers(users, p).RunInline()
		p.Result.Answer(0)
	}
}
