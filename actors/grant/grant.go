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
	until    int64 // when it expires, as wheel.since tells it; 0 is never
	before   *Grant
}

// maxRights bounds the rights that one subscription stands on. With one more, the one that expires first is forgotten.
const Max = 8

// rightOf is an identity's right, by the wheel, so that the wall clock may be set meanwhile.
func New(w *timer.Wheel, id *protocol.Identity, now time.Time) Grant {
	if id.Expires.IsZero() {
		return Grant{Identity: id}
	}
	return Grant{Identity: id, until: max(1, w.Since(now.Add(id.Expires.Sub(now))))}
}

// with adds a right, in the place of an older one by the same token.
func (r *Grant) With(more Grant) *Grant {
	more.before = r.Without(func(old *Grant) bool {
		return old.Identity.User == more.Identity.User && old.Identity.TokenID == more.Identity.TokenID &&
			old.Identity.Issued.Equal(more.Identity.Issued) && old.Identity.Expires.Equal(more.Identity.Expires)
	})
	if more.before.count() >= Max {
		first := more.before.first()
		more.before = more.before.Without(func(old *Grant) bool { return old == first })
	}
	return &more
}

// without leaves out the rights that are gone; nil if none is left.
func (r *Grant) Without(gone func(*Grant) bool) *Grant {
	if r == nil {
		return nil
	}
	before := r.before.Without(gone)
	switch {
	case gone(r):
		return before
	case before == r.before:
		return r
	}
	return &Grant{r.Identity, r.until, before}
}

// ends is when the last of the rights expires, 0 for never.
func (r *Grant) Expires() (at int64) {
	for ; r != nil; r = r.before {
		if r.until == 0 {
			return 0
		}
		at = max(at, r.until)
	}
	return at
}

// first is the right that expires first.
func (r *Grant) first() (first *Grant) {
	for ; r != nil; r = r.before {
		if first == nil || first.until == 0 || r.until != 0 && r.until < first.until {
			first = r
		}
	}
	return first
}

func (r *Grant) count() (n int) {
	for ; r != nil; r = r.before {
		n++
	}
	return n
}

// expiredAt says which rights have expired.
func ExpiredAt(at int64) func(*Grant) bool {
	return func(r *Grant) bool { return r.until != 0 && r.until <= at }
}
