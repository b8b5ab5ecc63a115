package api

import (
	"context"
	"errors"

	"github.com/parley-realtime/parley/protocol"
)

// user does GET /api/v1/users/{user}, and /api/v1/users?user=.
func (a *API) user(ctx context.Context, x *exchange) error {
	name, err := x.segment("user")
	if err != nil {
		return err
	}
	found, err := a.node.User(ctx, x.tenant, name)
	if err != nil {
		return err
	}
	if len(found.Connections) == 0 {
		return protocol.Refuse(protocol.NotFound, "user %s has no connection", protocol.Quote(name))
	}
	x.out = appendTextMember(append(x.out, '{'), "user", found.User)
	x.out = append(appendMember(x.out, "presence"), `{"online":true`...)
	x.out = appendTime(x.out, "since", found.Since)
	x.out = append(appendCount(x.out, "connections", len(found.Connections)), '}')
	x.out = append(appendConnections(x.out, found.Connections), '}')
	return nil
}

// disconnectUser does POST /api/v1/users/{user}/disconnect, and /api/v1/users/disconnect?user=. A user without
// connections is no error: nobody is left.
func (a *API) disconnectUser(ctx context.Context, x *exchange) error {
	name, err := x.segment("user")
	if err != nil {
		return err
	}
	why, err := a.farewell(x)
	if err != nil {
		return err
	}
	n, err := a.node.DisconnectUser(ctx, x.tenant, name, why.code, why.reason)
	if err != nil && !errors.Is(err, protocol.Refuse(protocol.NotFound, "")) {
		return err
	}
	x.out = append(appendCount(append(x.out, '{'), "disconnected", n), '}')
	return nil
}
