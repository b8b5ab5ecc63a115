package api

import (
	"context"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

// revoke does POST /api/v1/revoke: it revokes the tokens of a user, or one token; with a time, only those that were
// issued before. A token must match every member that is given. A later call for the same user and token replaces an
// earlier one. It answers how many connections it closed, and, if there are any, how many subscriptions it ended on
// connections that stay open, since they have other rights.
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

// unrevoke does DELETE /api/v1/revoke: it removes the revocation of a user and token, whatever its time. The query
// names both, or the body does, as in the call that made it.
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

// readRevoked reads which revocation to remove.
func (a *API) readRevoked(rc *requestContext) (r grant.Revocation, err error) {
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

// parseRevocation parses the body of a call that revokes.
func parseRevocation(body []byte) (r grant.Revocation, err error) {
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

// checkNamed refuses a revocation that names neither a user nor a token.
func checkNamed(r grant.Revocation) error {
	if r.User == "" && r.TokenID == "" {
		return protocol.Refuse(protocol.Malformed,
			"say whose tokens lose their rights: user, or jti, the id of one token")
	}
	return nil
}
