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

// grants is a connection as far as the grants go that it hears by.
type grants struct{ *connection }

// withdraw ends the subscriptions whose rights are gone, tells the client in its dialect's words, and returns how many.
func (c grants) withdraw(gone func(*grant.Grant) bool, reason protocol.Reason) int {
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
	c.run(c.endSubscriptions(ended, reason))
	c.flushSession()
	if c.rights == nil {
		return len(topics)
	}
	c.rights.at = 0
	c.expireBy(c.rights.events)
	for _, r := range c.subscriptions.Subscriptions {
		c.expireBy(r.Grant)
	}
	return len(topics)
}

// cease is how the dialect says that topics are heard no more.
func (c grants) endSubscriptions(topics []string, reason protocol.Reason) (words []protocol.Command) {
	for _, topic := range topics {
		refusal := protocol.Refuse(reason, "%s is heard no more: %s", protocol.Quote(topic), reason.Message())
		refusal.Topic = topic
		words = append(words, c.session.OnReject(time.Now(), refusal, false)...)
	}
	return words
}

// borrow takes another identity's right. From now on the connection is asked when rights are revoked, so that no
// revocation falls between the check of the credential and our look (operator.Revoke).
func (c grants) borrow(id *protocol.Identity) (grant.Grant, *protocol.Refusal) {
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
func (c grants) expireBy(r *grant.Grant) {
	if at := r.Expires(); at != 0 && (c.rights.at == 0 || at < c.rights.at) {
		c.rights.at = at
		c.schedule()
	}
}

func (c grants) revoke(m withdraw) withdrawn {
	id := c.identity.Load()
	switch {
	case c.closing || id == nil:
		return withdrawn{}
	case !m.lent && m.gone(id):
		c.end(endConnection{err: &protocol.Refusal{Reason: protocol.Revoked}})
		return withdrawn{connection: true}
	}
	return withdrawn{subscriptions: c.withdraw(func(r *grant.Grant) bool { return m.gone(r.Identity) }, protocol.Revoked)}
}
