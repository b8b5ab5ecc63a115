package api

import (
	"context"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// revoke does POST /api/v1/revoke: it takes the rights of a user back, or of one token; with a time, only those of tokens
// issued before. What is given must all hold. A later call for the same user and token replaces an earlier one. It answers
// how many connections that closed, and, if there are any, how many subscriptions it ended on connections that go on, since
// they stand on other rights.
func (a *API) revoke(ctx context.Context, x *exchange) error {
	if err := x.read(small, a.cfg.RequestTimeout); err != nil {
		return err
	}
	r, err := revocation(x.in)
	if err != nil {
		return err
	}
	closed, unsubscribed, err := a.node.Revoke(ctx, x.tenant, r)
	if err != nil {
		return err
	}
	x.out = appendCount(append(x.out, '{'), "closed", closed)
	if unsubscribed > 0 {
		x.out = appendCount(x.out, "unsubscribed", unsubscribed)
	}
	x.out = append(x.out, '}')
	return nil
}

// unrevoke does DELETE /api/v1/revoke: it takes the revocation of that user and token back, whatever its time. Both are
// named in the query, or by the body of the call that made it.
func (a *API) unrevoke(_ context.Context, x *exchange) error {
	r, err := a.revoked(x)
	if err != nil {
		return err
	}
	was, err := a.node.Unrevoke(x.tenant, r)
	if err != nil {
		return err
	}
	removed := 0
	if was {
		removed = 1
	}
	x.out = append(appendCount(append(x.out, '{'), "removed", removed), '}')
	return nil
}

// revoked reads which revocation is meant.
func (a *API) revoked(x *exchange) (r actors.Revocation, err error) {
	if err := x.read(small, a.cfg.RequestTimeout); err != nil {
		return r, err
	}
	values, err := x.query("user", "jti")
	if err != nil {
		return r, err
	}
	if len(values) == 0 {
		return revocation(x.in)
	}
	if r.User, err = checked(values, "user", aName("user")); err != nil {
		return r, err
	}
	if r.TokenID, err = checked(values, "jti", aName("jti")); err != nil {
		return r, err
	}
	return r, named(r)
}

func revocation(body []byte) (r actors.Revocation, err error) {
	members, err := readBody(body, []string{"user", "jti", "before"})
	if err != nil {
		return r, err
	}
	for _, m := range members {
		switch m.Name {
		case "user":
			r.User, err = readUser("user", m.Value)
		case "jti":
			r.TokenID, err = readName("jti", m.Value)
		case "before":
			r.Before, err = readTime("before", m.Value)
		}
		if err != nil {
			return r, err
		}
	}
	return r, named(r)
}

// named wants that a revocation names somebody.
func named(r actors.Revocation) error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed, "say whose tokens lose their rights: user, or jti, the id of one token")
	}
	return nil
}
