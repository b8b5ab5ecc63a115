package actors

import (
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// A subscription stands on a right: the connection's own identity, or one that was shown for it alone (Subscribe.As). It
// ends with that right: when the token expires, or is revoked, or its key is removed. (A connection as a whole outlives the
// key of its own token: keys change without dropping a connection.) Whatever a session holds by
// another identity than the connection's has a right beside it.

// right is an identity by which something was asked for, in a list with those by which the same was asked for before: it
// is heard for as long as one of them holds. A right is never changed; the nil right is the connection's own identity.
type right struct {
	of     *protocol.Identity
	until  int64 // when it expires, as wheel.since tells it; 0 is never
	before *right
}

// rights are what a connection that was lent a right knows of them, beside its subscriptions. They belong to its actor.
type rights struct {
	events *right // whose it hears the user's and everyone's events by; nil is the connection's own
	at     int64  // when one of the connection's rights may expire, as wheel.since tells it; 0 is never
}

// own is whose right the user's and everyone's events are heard by; nil is the connection's own.
func (r *rights) own() *right {
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

// maxRights bounds the rights that one subscription stands on. With one more, the one that expires first is forgotten.
const maxRights = 8

// rightOf is an identity's right, by the wheel, so that the wall clock may be set meanwhile.
func rightOf(w *timer.Wheel, id *protocol.Identity, now time.Time) right {
	if id.Expires.IsZero() {
		return right{of: id}
	}
	return right{of: id, until: max(1, w.Since(now.Add(id.Expires.Sub(now))))}
}

// with adds a right, in the place of an older one by the same token.
func (r *right) with(more right) *right {
	more.before = r.without(func(old *right) bool {
		return old.of.User == more.of.User && old.of.TokenID == more.of.TokenID &&
			old.of.Issued.Equal(more.of.Issued) && old.of.Expires.Equal(more.of.Expires)
	})
	if more.before.count() >= maxRights {
		first := more.before.first()
		more.before = more.before.without(func(old *right) bool { return old == first })
	}
	return &more
}

// without leaves out the rights that are gone; nil if none is left.
func (r *right) without(gone func(*right) bool) *right {
	if r == nil {
		return nil
	}
	before := r.before.without(gone)
	switch {
	case gone(r):
		return before
	case before == r.before:
		return r
	}
	return &right{r.of, r.until, before}
}

// ends is when the last of the rights expires, 0 for never.
func (r *right) ends() (at int64) {
	for ; r != nil; r = r.before {
		if r.until == 0 {
			return 0
		}
		at = max(at, r.until)
	}
	return at
}

// first is the right that expires first.
func (r *right) first() (first *right) {
	for ; r != nil; r = r.before {
		if first == nil || first.until == 0 || r.until != 0 && r.until < first.until {
			first = r
		}
	}
	return first
}

func (r *right) count() (n int) {
	for ; r != nil; r = r.before {
		n++
	}
	return n
}

// expiredAt says which rights have expired.
func expiredAt(at int64) func(*right) bool {
	return func(r *right) bool { return passed(r.until, at) }
}

// ended finds the subscriptions that stood on rights that are gone, and lets go of those rights where others are left.
func (h *hearing) ended(gone func(*right) bool) (topics []string) {
	for i := range h.interests {
		r := &h.interests[i]
		if !r.wanted || r.right == nil {
			continue
		}
		if left := r.right.without(gone); left != nil {
			r.right = left
		} else {
			topics = append(topics, r.topic)
		}
	}
	return topics
}

// withdraw ends the subscriptions whose rights are gone, tells the client in its dialect's words, and returns how many.
func (c *connection) withdraw(gone func(*right) bool, why protocol.Reason) int {
	topics := c.hears.ended(gone)
	ended := topics
	if own := c.rights.own(); own != nil && own.without(gone) == nil {
		c.rights.events = nil
		c.heed(protocol.Heed{View: protocol.Nothing})
		ended = append(slices.Clone(topics), protocol.OwnEvents)
	}
	for _, topic := range topics {
		c.behind = true // the words follow the last event
		c.unsubscribe(topic, false)
	}
	c.run(c.cease(ended, why))
	c.said()
	if c.rights == nil {
		return len(topics)
	}
	c.rights.at = 0
	c.expireBy(c.rights.events)
	for _, r := range c.hears.interests {
		c.expireBy(r.right)
	}
	return len(topics)
}

// cease is how the dialect says that topics are heard no more.
func (c *connection) cease(topics []string, why protocol.Reason) (words []protocol.Command) {
	for _, topic := range topics {
		refusal := protocol.Refuse(why, "%s is heard no more: %s", protocol.Quote(topic), why.Message())
		refusal.Topic = topic
		words = append(words, c.session.Refuse(time.Now(), refusal, false)...)
	}
	return words
}

// heed says what is left of events to the user and to everyone, and by whose right.
func (c *connection) heed(cmd protocol.Heed) {
	if cmd.As != nil {
		more, why := c.borrow(cmd.As)
		if why == nil {
			c.rights.events = c.rights.events.with(more)
		} else {
			cmd.View, c.rights.events = protocol.Nothing, nil
		}
	}
	c.endIf(c.member.heed(&c.Link, cmd.View))
	c.expireBy(c.rights.own())
}

// borrow takes another identity's right. From now on the connection is asked when rights are revoked, so that no
// revocation falls between the check of the credential and our look (operator.Revoke).
func (c *connection) borrow(id *protocol.Identity) (right, *protocol.Refusal) {
	now := time.Now()
	c.flags.set(hasLent)
	if c.rights == nil {
		c.rights = &rights{}
	}
	if t := c.tenant(); t.revoked.cover(id, now) || t.keyIsGone(id) {
		return right{}, &protocol.Refusal{Reason: protocol.Revoked}
	}
	return rightOf(c.node.wheel, id, now), nil
}

// expireBy has the connection look when a right expires, if it does not look before.
func (c *connection) expireBy(r *right) {
	if at := r.ends(); at != 0 && (c.rights.at == 0 || at < c.rights.at) {
		c.rights.at = at
		c.arm()
	}
}
