package actors

import (
	"context"
	"slices"

	"github.com/parley-realtime/parley/actors/fanout"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// subscriptions are a connection's topics and filters; it keeps the topics informed of them. It belongs to the
// connection's actor and knows no session: where the connection has to end, it returns why.
type subscriptions struct{ fanout.Subscriptions }

// subscribe adds a subscription. got is the topic's answer, if the connection was attached to it for this. by is the
// grant for it, nil for the connection's own identity. err refuses the subscription; broken is why the connection has
// to end, see apply.
func (s *subscriptions) subscribe(
	l *Conn, cmd protocol.Subscribe, by *grant.Grant,
) (got attached, err, broken *protocol.Refusal) {
	if err = s.admits(l, cmd, nil); err != nil {
		return got, err, nil
	}
	before, _ := s.Find(cmd.Topic)
	l.outbox.Hold() // the answer comes before the first event
	own := wish{topic: cmd.Topic, since: cmd.Since, last: cmd.Last, members: cmd.Filter.Members}
	told, err := s.apply(l, s.Add(cmd.Topic, cmd.Filter, by), &own)
	if err != nil {
		broken = s.rollback(l, cmd.Topic, before, told)
	}
	return own.got, err, broken
}

// admits says whether the connection may make a subscription; nil admits. It waits as granted does.
func (s *subscriptions) admits(l *Conn, cmd protocol.Subscribe, asked *decision.Record) *protocol.Refusal {
	if err := (topicClient{l}).granted(cmd, asked); err != nil {
		return err
	}
	if cmd.Since != (protocol.Position{}) && s.Covered(cmd.Topic) {
		return protocol.Refuse(protocol.Conflict, "%s is heard already, so nothing of it was missed; "+
			"unsubscribe before resuming it or a topic below", protocol.Quote(cmd.Topic))
	}
	if len(cmd.Filter.Label) > protocol.MaxLabel {
		return protocol.Refuse(protocol.TooLarge, "the name of the subscription has %d bytes; the limit is %d",
			len(cmd.Filter.Label), protocol.MaxLabel)
	}
	_, known := s.Find(cmd.Topic)
	most := l.dialect().Limits().Subscriptions
	if !asked.Number(decision.Subscriptions, most, most <= 0 || known || s.Count() < most) {
		return protocol.Refuse(protocol.TooMany,
			"the connection has %d subscriptions, which is the limit (subscriptions)", most)
	}
	return nil
}

// rollback makes a topic's subscription what it was before, at those topics that took the change. A zero before removes
// the subscription.
func (s *subscriptions) rollback(
	l *Conn, topic string, before fanout.Subscription, told []string,
) (broken *protocol.Refusal) {
	var back []fanout.Change
	if before.Wanted {
		var filter protocol.Filter
		if before.Filter != nil {
			filter = *before.Filter
		}
		back = s.Add(topic, filter, before.Grant)
	} else {
		back = s.Remove(topic, false)
	}
	back = slices.DeleteFunc(back, func(ch fanout.Change) bool { return !slices.Contains(told, ch.Topic) })
	_, broken = s.apply(l, back, &wish{})
	return broken
}

// unsubscribe drops a subscription, with below also those to topics under it. broken is why the connection has to end.
func (s *subscriptions) unsubscribe(l *Conn, topic string, below bool) (broken *protocol.Refusal) {
	_, broken = s.apply(l, s.Remove(topic, below), &wish{})
	return broken
}

// collect unsubscribes from all topics, and waits until the events that they hold back for their windows
// (topic_batch.go) are in the outbox. If no topic of the tenant may hold events back, it does nothing.
func (s *subscriptions) collect(l *Conn) {
	if !l.tenant().rules.Load().HoldsBack() {
		return
	}
	var answers []mailbox.Reply[protocol.Position]
	for _, topic := range s.Attached() {
		answer := mailbox.NewReply[protocol.Position]()
		if l.tenant().topics.SendUnbounded(topic, unsubscribe{l, true, answer}) {
			answers = append(answers, answer)
		}
	}
	s.Subscriptions = nil
	ctx, done := l.step()
	defer done()
	for _, answer := range answers {
		_, _ = answer.Wait(ctx) // one that does not come in time takes its events with it
	}
}

// leave unsubscribes from all topics, and waits for none.
func (s *subscriptions) leave(l *Conn) {
	for _, topic := range s.Attached() {
		l.tenant().topics.SendUnbounded(topic, unsubscribe{link: l})
	}
	s.Subscriptions = nil
}

// wish is what a connection asks of one topic, beside the filters.
type wish struct {
	topic   string
	since   protocol.Position // zero for no replay
	partial bool              // of what it missed it takes what is left
	last    bool              // it asks for the newest event
	members bool              // it asks for those who are present
	got     attached          // the topic's answer

	member     *protocol.Member // by which the client is present; nil for none
	maxMembers int
}

// apply sends changes to their topics and returns the topics that took them, and the first refusal. own is what the
// connection asks of one of them beside. It waits for each topic: only so does no topic deliver an event that is
// another's to deliver by now. If a topic refuses a change that cannot be refused, the connection has to end: it would
// silently miss events.
func (s *subscriptions) apply(
	l *Conn, changes []fanout.Change, own *wish,
) (told []string, first *protocol.Refusal) {
	for _, ch := range changes {
		var err *protocol.Refusal
		switch {
		case ch.Filters == nil:
			err = topicClient{l}.detach(ch.Topic)
		case ch.Topic == own.topic:
			err = s.attach(l, ch.Filters, own)
		default:
			err = s.attach(l, ch.Filters, &wish{topic: ch.Topic})
		}
		if err == nil {
			told = append(told, ch.Topic)
		} else if first == nil {
			first = err
		}
	}
	return told, first
}

// attach subscribes the connection to a topic, by the member that the client is there.
func (s *subscriptions) attach(l *Conn, it *fanout.Filters, w *wish) *protocol.Refusal {
	w.member, w.maxMembers = s.MemberOf(w.topic)
	return topicClient{l}.attach(it, w)
}

// ended finds the topics of the subscriptions whose grants are all gone. Where other grants are left, it drops the gone
// ones.
func (s *subscriptions) ended(gone func(*grant.Grant) bool) (topics []string) {
	for i := range s.Subscriptions {
		r := &s.Subscriptions[i]
		if !r.Wanted || r.Grant == nil {
			continue
		}
		if left := r.Grant.Without(gone); left != nil {
			r.Grant = left
		} else {
			topics = append(topics, r.Topic)
		}
	}
	return topics
}

// topicClient is the part of a connection that sends requests to topics and waits for their answers.
type topicClient struct{ *Conn }

// granted returns nil if cmd's topic may be subscribed to, by cmd.As or else by the connection's own identity. It may
// ask the authenticator, and then waits for at most Config.RequestTimeout.
func (l topicClient) granted(cmd protocol.Subscribe, asked *decision.Record) *protocol.Refusal {
	id := l.identity.Load()
	if !asked.Step(decision.Login, id != nil) {
		return protocol.Refuse(protocol.Unauthorized, "authenticate before subscribing")
	}
	if cmd.As != nil {
		id = cmd.As
	}
	if err := fanout.CheckTopic(cmd.Topic, asked); err != nil {
		return err
	}
	may := id.May(cmd.Topic)
	if asked != nil {
		asked.Text(decision.Grant, protocol.PatternList(id.Topics), may)
	}
	if !may || !asked.Step(decision.TopicReserved, !protocol.Reserved(cmd.Topic)) {
		return protocol.Refuse(protocol.Forbidden, "the token does not grant %s", protocol.Quote(cmd.Topic))
	}
	if l.node.rights == nil || isInternal(l.tenant().name) {
		return nil
	}
	ctx, done := l.request()
	defer done()
	err := protocol.AsRefusal(l.node.rights.Authorize(ctx, l.tenant().name, id, cmd.Topic))
	asked.Step(decision.Backend, err == nil)
	return err
}

// attach subscribes the connection to a topic with these filters, or replaces its filters there.
func (l topicClient) attach(it *fanout.Filters, w *wish) (err *protocol.Refusal) {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[attached]()
	m := subscribe{l.Conn, it, *w, answer}
	if !l.tenant().topics.SendUnbounded(w.topic, m) { // unbounded: at most one for each connection waits
		l.tenant().topic(w.topic, m)
	}
	w.got, err = answer.Wait(ctx)
	return err
}

// detach unsubscribes the connection from a topic.
func (l topicClient) detach(topic string) *protocol.Refusal {
	ctx, done := l.step()
	defer done()
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, false, answer}) {
		return nil // the topic was never made
	}
	_, err := answer.Wait(ctx)
	return err
}

// release unsubscribes the connection from a topic and returns the topic's position; the zero position if the topic
// does not answer.
func (l topicClient) release(ctx context.Context, topic string) protocol.Position {
	answer := mailbox.NewReply[protocol.Position]()
	if !l.tenant().topics.SendUnbounded(topic, unsubscribe{l.Conn, true, answer}) {
		return protocol.Position{}
	}
	at, _ := answer.Wait(ctx)
	return at
}
