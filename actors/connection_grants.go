package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// A subscription stands on a grant: that of the connection's own identity, or of one that was shown for this
// subscription alone (Subscribe.As). It ends with that grant: when the token expires or is revoked, or when its key is
// removed. (A connection as a whole outlives the key of its own token: keys change without dropping a connection.)
// Whatever a session holds by another identity than the connection's own is stored with its grant.

// rights are the grants that a connection borrowed, beside those of its subscriptions. They belong to its actor.
type rights struct {
	events *grant.Grant // for the user's events and broadcasts; nil is the connection's own identity
	at     int64        // when a grant may expire, as timer.Wheel.Since measures it; 0 is never
}

// own is the grant by which the connection gets its user's events and broadcasts; nil is the connection's own identity.
func (r *rights) own() *grant.Grant {
	if r == nil {
		return nil
	}
	return r.events
}

// expire is when one of the grants may expire; 0 is never.
func (r *rights) expire() int64 {
	if r == nil {
		return 0
	}
	return r.at
}

// grants is the part of a connection that borrows grants and lets them go.
type grants struct{ *connection }

// withdraw ends the subscriptions whose grants are gone, says so in the dialect's words, and returns how many.
func (c grants) withdraw(gone func(*grant.Grant) bool, reason protocol.Reason) int {
	topics := c.subscriptions.ended(gone)
	ended := topics
	if own := c.rights.own(); own != nil && own.Without(gone) == nil {
		c.rights.events = nil
		c.setEventView(protocol.SetEventView{View: protocol.None})
		ended = append(slices.Clone(topics), protocol.OwnEvents)
	}
	for _, topic := range topics {
		c.afterEvents = true // the dialect's words follow the last event
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

// endSubscriptions returns the dialect's words for the end of subscriptions to topics.
func (c grants) endSubscriptions(topics []string, reason protocol.Reason) (words []protocol.Command) {
	for _, topic := range topics {
		refusal := protocol.Refuse(reason, "%s is heard no more: %s", protocol.Quote(topic), reason.Message())
		refusal.Topic = topic
		words = append(words, c.session.OnReject(time.Now(), refusal, false)...)
	}
	return words
}

// borrow takes a grant of another identity. From now on the connection is asked when rights are revoked, so that no
// revocation falls between the check of the credential and our own check (admin.Revoke).
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

// expireBy has the connection check its grants when r expires, if it does not check before.
func (c grants) expireBy(r *grant.Grant) {
	if at := r.Expires(); at != 0 && (c.rights.at == 0 || at < c.rights.at) {
		c.rights.at = at
		c.schedule()
	}
}

// revoke ends the connection if m covers its own identity, or else the subscriptions by grants that m covers.
func (c grants) revoke(m withdraw) withdrawn {
	id := c.identity.Load()
	switch {
	case c.closing || id == nil:
		return withdrawn{}
	case !m.borrowed && m.gone(id):
		c.end(endConnection{err: &protocol.Refusal{Reason: protocol.Revoked}})
		return withdrawn{connection: true}
	}
	gone := func(g *grant.Grant) bool { return m.gone(g.Identity) }
	return withdrawn{subscriptions: c.withdraw(gone, protocol.Revoked)}
}
