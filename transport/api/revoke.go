package api

import (
	"context"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// revoke does POST /api/v1/revoke: it takes the rights of a user back, or of one token; with a time, only those of tokens
// issued before. What is given must all hold. It answers how many connections that closed, and how many subscriptions it
// ended on connections that go on, since they stand on other rights.
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
	x.out = append(appendCount(x.out, "unsubscribed", unsubscribed), '}')
	return nil
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
	if r.User == "" && r.TokenID == "" {
		return r, protocol.Refuse(protocol.Malformed, "say whose tokens lose their rights: user, or jti, the id of one token")
	}
	return r, nil
}
