package grant

import (
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// Grant is an identity by which a connection subscribed to a topic, at the head of a list of those by which it
// subscribed to the same topic before. The subscription lasts as long as one of them holds. A Grant is never changed;
// the nil *Grant stands for the connection's own identity.
type Grant struct {
	Identity *protocol.Identity // never nil
	expires  int64              // when the identity expires, in nanoseconds of timer.Wheel.Since; 0 is never
	next     *Grant
}

// maxGrants bounds the grants that one subscription stands on. With one more, the one that expires first is forgotten.
const maxGrants = 8

// New returns the grant of an identity. Its expiry is counted by the wheel, so that it holds though the wall clock be
// set.
func New(w *timer.Wheel, id *protocol.Identity, now time.Time) Grant {
	if id.Expires.IsZero() {
		return Grant{Identity: id}
	}
	return Grant{Identity: id, expires: max(1, w.Since(now.Add(id.Expires.Sub(now))))}
}

// With returns the list with one more grant, which replaces an older one by the same token. g may be nil. If the list
// would hold more than 8, the one that expires first is left out.
func (g *Grant) With(more Grant) *Grant {
	more.next = g.Without(func(old *Grant) bool {
		return old.Identity.User == more.Identity.User && old.Identity.TokenID == more.Identity.TokenID &&
			old.Identity.Issued.Equal(more.Identity.Issued) && old.Identity.Expires.Equal(more.Identity.Expires)
	})
	if more.next.count() >= maxGrants {
		first := more.next.first()
		more.next = more.next.Without(func(old *Grant) bool { return old == first })
	}
	return &more
}

// Without returns the list without the grants for which gone returns true; nil if none is left. g may be nil.
func (g *Grant) Without(gone func(*Grant) bool) *Grant {
	if g == nil {
		return nil
	}
	rest := g.next.Without(gone)
	switch {
	case gone(g):
		return rest
	case rest == g.next:
		return g
	}
	return &Grant{g.Identity, g.expires, rest}
}

// Expires returns when the last of the grants expires, in nanoseconds of timer.Wheel.Since; 0 for never.
func (g *Grant) Expires() (at int64) {
	for ; g != nil; g = g.next {
		if g.expires == 0 {
			return 0
		}
		at = max(at, g.expires)
	}
	return at
}

// first returns the grant that expires first.
func (g *Grant) first() (first *Grant) {
	for ; g != nil; g = g.next {
		if first == nil || first.expires == 0 || g.expires != 0 && g.expires < first.expires {
			first = g
		}
	}
	return first
}

func (g *Grant) count() (n int) {
	for ; g != nil; g = g.next {
		n++
	}
	return n
}

// ExpiredAt returns a predicate for Without: whether a grant has expired at a time of timer.Wheel.Since.
func ExpiredAt(at int64) func(*Grant) bool {
	return func(g *Grant) bool { return g.expires != 0 && g.expires <= at }
}
