package dialecttest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// subscription is one topic of one connection.
type subscription struct {
	topic  string
	filter protocol.Filter
	by     *protocol.Identity // whose right it stands on; nil is the connection's own
	held   []*held
}

// held is what a subscription with a frequency knows of one key.
type held struct {
	key     string    // topic and key
	last    time.Time // when an event of the key was delivered
	waiting *protocol.Delivery
}

// subscribe adds a subscription and brings what it missed. It reports false if it has told the session the outcome
// before that.
func (c *Connection) subscribe(command protocol.Subscribe) (outcome protocol.Outcome, has bool) {
	outcome.Position = c.engine.position(command.Topic)
	watch(c, command.Topic, func() { outcome.Err = c.add(command) })
	if outcome.Err != nil {
		return protocol.Outcome{Err: outcome.Err}, true
	}
	s := c.topics[find(c.topics, command.Topic)]
	if s.filter.Members {
		outcome.Members = present(c.engine, command.Topic)
	}
	past := c.engine.past[command.Topic]
	for _, p := range slices.Backward(past) {
		if _, wanted := s.selects(p.Event); command.Last && wanted {
			outcome.Last = p.Event
			break
		}
	}
	since := command.Since
	switch {
	case since == (protocol.Position{}):
		return outcome, true
	case since.Epoch != outcome.Position.Epoch || since.Offset > outcome.Position.Offset:
		c.unsubscribe(protocol.Unsubscribe{Topic: command.Topic})
		return protocol.Outcome{Err: protocol.Refuse(protocol.PositionLost, "")}, true
	case command.AnswerFirst:
		outcome.Now = c.engine.now
		c.do(c.session.Answer(command, outcome))
	}
	c.replay(s, past[since.Offset:])
	return outcome, !command.AnswerFirst
}

// selects reports whether a subscription wants an event at or below its topic, and what it leaves of it.
func (s *subscription) selects(ev *protocol.Event) (protocol.Projection, bool) {
	view, ok := s.filter.Select(ev)
	return view, ok && (!s.filter.Exact || ev.Topic == s.topic)
}

// add checks a subscription, and adds it.
func (c *Connection) add(command protocol.Subscribe) *protocol.Refusal {
	if err := protocol.CheckTopic(command.Topic); err != nil {
		c.engine.t.Errorf("a session asked for a topic that cannot be: %v", err)
	}
	for _, where := range command.Filter.Where {
		if where.Attribute == "" || len(where.In) == 0 {
			c.engine.t.Errorf("a condition that nothing can meet: %+v", where)
		}
	}
	if command.Filter.Every < 0 {
		c.engine.t.Errorf("a frequency of %s", command.Filter.Every)
	}
	if c.identity == nil {
		return protocol.Refuse(protocol.Unauthorized, "")
	}
	as := command.As
	if as == nil {
		as = c.identity
	}
	if !as.May(command.Topic) {
		return protocol.Refuse(protocol.Forbidden, "the token does not grant topic %s", protocol.Quote(command.Topic))
	}
	if m := command.Filter.Member; m != nil && tooMany(present(c.engine, command.Topic), m, command.Filter.MaxMembers) {
		return protocol.Refuse(protocol.TooMany, "the topic has as many members as it may have")
	}
	added := &subscription{topic: command.Topic, filter: command.Filter, by: command.As}
	if i := find(c.topics, command.Topic); i >= 0 {
		c.topics[i] = added
		return nil
	}
	if most := c.dialect.Limits().Subscriptions; most > 0 && len(c.topics) >= most {
		return protocol.Refuse(protocol.TooMany, "a connection may have %d subscriptions", most)
	}
	c.topics = append(c.topics, added)
	return nil
}

// withdraw ends what stands on a right that is gone, and tells the client the reason in the dialect's words. Of several
// rights to one topic it knows the last alone.
func (c *Connection) withdraw(gone func(*protocol.Identity) bool, reason protocol.Reason) {
	var lost []string
	if c.viewAs != nil && gone(c.viewAs) {
		c.view, c.viewAs = protocol.None, nil
		lost = append(lost, protocol.OwnEvents)
	}
	watch(c, "", func() {
		c.topics = slices.DeleteFunc(c.topics, func(s *subscription) bool {
			if s.by == nil || !gone(s.by) {
				return false
			}
			lost = append(lost, s.topic)
			return true
		})
	})
	for _, topic := range lost {
		refusal := protocol.Refuse(reason, "%s is heard no more", protocol.Quote(topic))
		refusal.Topic = topic
		c.reject(refusal, false)
	}
}

func (c *Connection) unsubscribe(command protocol.Unsubscribe) {
	watch(c, "", func() {
		c.topics = slices.DeleteFunc(c.topics, func(s *subscription) bool {
			return s.topic == command.Topic || command.Below && protocol.Under(s.topic, command.Topic)
		})
	})
}

// Publish implements Stage.
func (e *Engine) Publish(body []byte) error {
	if _, err := e.Dialect(); err != nil {
		return err
	}
	request, err := rawjson.ReadObject(body)
	if err != nil {
		return err
	}
	ev, err := e.event(rawjson.Find(request, "event"))
	if err != nil {
		return err
	}
	topic, _ := rawjson.Text(rawjson.Find(request, "topic"))
	users := userList(request)
	all := string(rawjson.Find(request, "all")) == "true"
	if topic == "" && users == nil && !all {
		topic = ev.HomeTopic()
	}
	switch {
	case topic != "":
		if err := protocol.CheckTopic(topic); err != nil {
			return err
		}
		e.publish(ev.At(topic), nil)
		return nil
	case users == nil && !all:
		return errors.New("a publish names a topic, users or all")
	}
	for _, c := range slices.Clone(e.alive()) {
		if c.identity != nil && (all || slices.Contains(users, c.identity.User)) {
			c.deliver(protocol.Delivery{Event: ev, View: c.view})
		}
	}
	return nil
}

func (e *Engine) event(raw []byte) (*protocol.Event, error) {
	members, err := rawjson.ReadObject(raw)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	text := func(name string) string {
		value, _ := rawjson.Text(rawjson.Find(members, name))
		return value
	}
	at := e.now
	if given := text("time"); given != "" {
		if at, err = time.Parse(time.RFC3339Nano, given); err != nil {
			return nil, err
		}
	}
	id := text("id")
	if id == "" {
		id = fmt.Sprintf("event-%d", e.now.UnixNano())
	}
	return protocol.NewEvent(protocol.EventInput{
		ID: id, Kind: protocol.Kind(text("kind")), Key: text("key"), Time: at, Data: rawjson.Find(members, "data"),
	})
}

func userList(request []rawjson.Member) []string {
	if user, ok := rawjson.Text(rawjson.Find(request, "user")); ok {
		return []string{user}
	}
	var users []string
	elements, _ := rawjson.ReadArray(rawjson.Find(request, "users"))
	for _, raw := range elements {
		user, _ := rawjson.Text(raw)
		users = append(users, user)
	}
	return users
}

// hear brings an event of a topic to a connection, once, however many subscriptions match. Of those that do, the one
// with the shortest frequency decides when.
func (c *Connection) hear(ev *protocol.Event) {
	var best *subscription
	var view protocol.Projection
	for _, s := range c.topics {
		if !protocol.Under(ev.Topic, s.topic) {
			continue
		}
		left, ok := s.selects(ev)
		switch {
		case !ok:
		case best == nil || s.filter.Every < best.filter.Every:
			best, view = s, left
		case s.filter.Every == best.filter.Every:
			view = view.Union(left)
		}
	}
	switch {
	case best == nil:
	case best.filter.Every == 0:
		c.deliver(best.delivery(c.engine, ev, view, c.engine.position(best.topic).Offset))
	default:
		c.hold(best, best.delivery(c.engine, ev, view, c.engine.position(best.topic).Offset))
	}
}

// delivery is an event of an offset in the form that a subscription asks for.
func (s *subscription) delivery(
	e *Engine, ev *protocol.Event, view protocol.Projection, offset uint64,
) protocol.Delivery {
	to := protocol.Delivery{Event: ev, View: view, Label: s.filter.Label}
	if s.filter.WithPosition {
		to.Topic, to.Position = s.topic, e.position(s.topic)
		to.Position.Offset = offset
	}
	return to
}

// hold delivers an event of a subscription with a frequency, or keeps it until it may.
func (c *Connection) hold(s *subscription, to protocol.Delivery) {
	var h *held
	key := to.Event.Topic + "\x00" + to.Event.Key
	if i := slices.IndexFunc(s.held, func(h *held) bool { return h.key == key }); i >= 0 {
		h = s.held[i]
	} else {
		h = &held{key: key}
		s.held = append(s.held, h)
	}
	switch {
	case h.waiting != nil:
		to.Event = h.waiting.Event.Conflate(to.Event)
		h.waiting = &to
	case h.last.IsZero() || c.engine.now.Sub(h.last) >= s.filter.Every:
		h.last = c.engine.now
		c.deliver(to)
	default:
		h.waiting = &to
	}
}

// release delivers what a subscription has held long enough.
func (c *Connection) release(s *subscription) {
	for _, h := range s.held {
		if h.waiting != nil && c.engine.now.Sub(h.last) >= s.filter.Every {
			to := *h.waiting
			h.waiting, h.last = nil, c.engine.now
			c.deliver(to)
		}
	}
}

func (c *Connection) deliver(to protocol.Delivery) {
	words := c.dialect.Encode(to)
	for part := &words; part != nil && part.Data != nil; part = part.Next {
		c.emit(protocol.Send{Text: part.Data, Binary: part.Binary})
	}
}
