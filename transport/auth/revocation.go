package auth

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Revocation says which credentials are refused from now on.
type Revocation struct {
	// User revokes the credentials of a user, TokenID the token with that jti; both together revoke that token of that
	// user.
	User, TokenID string
	// Before limits the revocation to tokens issued before that time. Zero is no limit for one token; for a user it
	// means until now, since a user may come back with a new token. A token without iat could be of any age and is
	// covered. So is a token whose iat lies ahead of our clock by more than MaxLeeway, for as long as it does.
	Before time.Time
}

// check says what is wrong with r. Before must not be later than latest.
func (r Revocation) check(latest time.Time) error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed, "a revocation needs a user or a jti")
	}
	if r.User != "" {
		if err := protocol.CheckName("user", r.User); err != nil {
			return err
		}
	}
	if r.TokenID != "" {
		if err := protocol.CheckName("jti", r.TokenID); err != nil {
			return err
		}
	}
	if r.Before.After(latest) {
		return protocol.Refuse(protocol.Malformed,
			"before lies in the future; leave it out for all tokens issued until now")
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// target is what a revocation is about, inside a tenant. An empty field matches everything.
type target struct{ user, token string }

// revocationSpan covers tokens issued before a time, zero for all tokens. It holds until a time, zero for ever.
type revocationSpan struct{ before, until time.Time }

func (r revocationSpan) covers(issued time.Time) bool {
	return r.before.IsZero() || issued.IsZero() || issued.Before(r.before)
}

func (r revocationSpan) hasExpired(now time.Time) bool {
	return !r.until.IsZero() && now.After(r.until)
}
