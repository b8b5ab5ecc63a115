package grant

import (
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// right is an identity by which something was asked for, in a list with those by which the same was asked for before: it
// is heard for as long as one of them holds. A right is never changed; the nil right is the connection's own identity.
type Grant struct {
	Identity *protocol.Identity
	expires  int64 // when it expires, as wheel.since tells it; 0 is never
	next     *Grant
}

// maxRights bounds the rights that one subscription stands on. With one more, the one that expires first is forgotten.
const maxGrants = 8

// rightOf is an identity's right, by the wheel, so that the wall clock may be set meanwhile.
func New(w *timer.Wheel, id *protocol.Identity, now time.Time) Grant {
	if id.Expires.IsZero() {
		return Grant{Identity: id}
	}
	return Grant{Identity: id, expires: max(1, w.Since(now.Add(id.Expires.Sub(now))))}
}

// with adds a right, in the place of an older one by the same token.
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

// without leaves out the rights that are gone; nil if none is left.
func (g *Grant) Without(gone func(*Grant) bool) *Grant {
	if g == nil {
		return nil
	}
	before := g.next.Without(gone)
	switch {
	case gone(g):
		return before
	case before == g.next:
		return g
	}
	return &Grant{g.Identity, g.expires, before}
}

// ends is when the last of the rights expires, 0 for never.
func (g *Grant) Expires() (at int64) {
	for ; g != nil; g = g.next {
		if g.expires == 0 {
			return 0
		}
		at = max(at, g.expires)
	}
	return at
}

// first is the right that expires first.
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

// expiredAt says which rights have expired.
func ExpiredAt(at int64) func(*Grant) bool {
	return func(g *Grant) bool { return g.expires != 0 && g.expires <= at }
}
