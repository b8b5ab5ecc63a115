package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// A subscription stands on a right: the connection's own identity, or one that was shown for it alone (Subscribe.As). It
// ends with that right: when the token expires, or is revoked, or its key is removed. (A connection as a whole outlives the
// key of its own token: keys change without dropping a connection.) Whatever a session holds by
// another identity than the connection's has a right beside it.

// rights are what a connection that was lent a right knows of them, beside its subscriptions. They belong to its actor.
type rights struct {
	events *grant.Grant // whose it hears the user's and everyone's events by; nil is the connection's own
	at     int64        // when one of the connection's rights may expire, as wheel.since tells it; 0 is never
}

// own is whose right the user's and everyone's events are heard by; nil is the connection's own.
func (r *rights) own() *grant.Grant {
	if r == nil {
		return nil
	}
	return r.events
}

// expire is when one of the rights may expire; 0 is never.
func (r *rights) expire() int64 {
	if r == nil {
		return 0
	}
	return r.at
}

// ended finds the subscriptions that stood on rights that are gone, and lets go of those rights where others are left.
func (h *subscriptions) ended(gone func(*grant.Grant) bool) (topics []string) {
	for i := range h.Subscriptions {
		r := &h.Subscriptions[i]
		if !r.Wanted || r.Right == nil {
			continue
		}
		if left := r.Right.Without(gone); left != nil {
			r.Right = left
		} else {
			topics = append(topics, r.Topic)
		}
	}
	return topics
}

// withdraw ends the subscriptions whose rights are gone, tells the client in its dialect's words, and returns how many.
func (c *connection) withdraw(gone func(*grant.Grant) bool, why protocol.Reason) int {
	topics := c.subscriptions.ended(gone)
	ended := topics
	if own := c.rights.own(); own != nil && own.Without(gone) == nil {
		c.rights.events = nil
		c.setEventView(protocol.SetEventView{View: protocol.None})
		ended = append(slices.Clone(topics), protocol.OwnEvents)
	}
	for _, topic := range topics {
		c.afterEvents = true // the words follow the last event
		c.unsubscribe(topic, false)
	}
	c.run(c.endSubscriptions(ended, why))
	c.flushSession()
	if c.rights == nil {
		return len(topics)
	}
	c.rights.at = 0
	c.expireBy(c.rights.events)
	for _, r := range c.subscriptions.Subscriptions {
		c.expireBy(r.Right)
	}
	return len(topics)
}

// cease is how the dialect says that topics are heard no more.
func (c *connection) endSubscriptions(topics []string, why protocol.Reason) (words []protocol.Command) {
	for _, topic := range topics {
		refusal := protocol.Refuse(why, "%s is heard no more: %s", protocol.Quote(topic), why.Message())
		refusal.Topic = topic
		words = append(words, c.session.OnReject(time.Now(), refusal, false)...)
	}
	return words
}

// heed says what is left of events to the user and to everyone, and by whose right.
func (c *connection) setEventView(cmd protocol.SetEventView) {
	if cmd.As != nil {
		more, why := c.borrow(cmd.As)
		if why == nil {
			c.rights.events = c.rights.events.With(more)
		} else {
			cmd.View, c.rights.events = protocol.None, nil
		}
	}
	c.endIf(c.registration.setView(&c.Conn, cmd.View))
	c.expireBy(c.rights.own())
}

// borrow takes another identity's right. From now on the connection is asked when rights are revoked, so that no
// revocation falls between the check of the credential and our look (operator.Revoke).
func (c *connection) borrow(id *protocol.Identity) (grant.Grant, *protocol.Refusal) {
	now := time.Now()
	c.flags.set(hasBorrowed)
	if c.rights == nil {
		c.rights = &rights{}
	}
	if t := c.tenant(); t.revoked.Cover(id, now) || t.keyIsGone(id) {
		return grant.Grant{}, &protocol.Refusal{Reason: protocol.Revoked}
	}
	return grant.New(c.node.wheel, id, now), nil
}

// expireBy has the connection look when a right expires, if it does not look before.
func (c *connection) expireBy(r *grant.Grant) {
	if at := r.Expires(); at != 0 && (c.rights.at == 0 || at < c.rights.at) {
		c.rights.at = at
		c.schedule()
	}
}
