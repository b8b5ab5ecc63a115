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
func (a *API) revoke(ctx context.Context, rc *requestContext) error {
	if err := rc.readBody(maxSmallBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	r, err := parseRevocation(rc.body)
	if err != nil {
		return err
	}
	closed, unsubscribed, err := a.node.Revoke(ctx, rc.tenant, r)
	if err != nil {
		return err
	}
	rc.out = appendCount(append(rc.out, '{'), "closed", closed)
	if unsubscribed > 0 {
		rc.out = appendCount(rc.out, "unsubscribed", unsubscribed)
	}
	rc.out = append(rc.out, '}')
	return nil
}

// unrevoke does DELETE /api/v1/revoke: it takes the revocation of that user and token back, whatever its time. Both are
// named in the query, or by the body of the call that made it.
func (a *API) unrevoke(_ context.Context, rc *requestContext) error {
	r, err := a.readRevoked(rc)
	if err != nil {
		return err
	}
	was, err := a.node.Unrevoke(rc.tenant, r)
	if err != nil {
		return err
	}
	removed := 0
	if was {
		removed = 1
	}
	rc.out = append(appendCount(append(rc.out, '{'), "removed", removed), '}')
	return nil
}

// revoked reads which revocation is meant.
func (a *API) readRevoked(rc *requestContext) (r actors.Revocation, err error) {
	if err := rc.readBody(maxSmallBody, a.cfg.RequestTimeout); err != nil {
		return r, err
	}
	values, err := rc.query("user", "jti")
	if err != nil {
		return r, err
	}
	if len(values) == 0 {
		return parseRevocation(rc.body)
	}
	if r.User, err = optionalParam(values, "user", nameCheck("user")); err != nil {
		return r, err
	}
	if r.TokenID, err = optionalParam(values, "jti", nameCheck("jti")); err != nil {
		return r, err
	}
	return r, checkNamed(r)
}

func parseRevocation(body []byte) (r actors.Revocation, err error) {
	members, err := parseBody(body, []string{"user", "jti", "before"})
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
	return r, checkNamed(r)
}

// named wants that a revocation names somebody.
func checkNamed(r actors.Revocation) error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed, "say whose tokens lose their rights: user, or jti, the id of one token")
	}
	return nil
}
