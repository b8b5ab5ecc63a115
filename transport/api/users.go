package api

import (
	"context"
	"errors"

	"github.com/parley-realtime/parley/protocol"
)

// user does GET /api/v1/users/{user}, and /api/v1/users?user=.
func (a *API) user(ctx context.Context, rc *requestContext) error {
	name, err := rc.nameParam("user")
	if err != nil {
		return err
	}
	found, err := a.node.User(ctx, rc.tenant, name)
	if err != nil {
		return err
	}
	if len(found.Connections) == 0 {
		return protocol.Refuse(protocol.NotFound, "user %s has no connection", protocol.Quote(name))
	}
	rc.out = appendTextMember(append(rc.out, '{'), "user", found.User)
	rc.out = append(appendMember(rc.out, "presence"), `{"online":true`...)
	rc.out = appendTime(rc.out, "since", found.Since)
	rc.out = append(appendCount(rc.out, "connections", len(found.Connections)), '}')
	rc.out = append(appendConnections(rc.out, found.Connections), '}')
	return nil
}

// disconnectUser does POST /api/v1/users/{user}/disconnect, and /api/v1/users/disconnect?user=. A user without
// connections is no error.
func (a *API) disconnectUser(ctx context.Context, rc *requestContext) error {
	name, err := rc.nameParam("user")
	if err != nil {
		return err
	}
	opts, err := a.readCloseOptions(rc)
	if err != nil {
		return err
	}
	n, err := a.node.DisconnectUser(ctx, rc.tenant, name, opts.code, opts.reason)
	if err != nil && !errors.Is(err, protocol.Refuse(protocol.NotFound, "")) {
		return err
	}
	rc.out = append(appendCount(append(rc.out, '{'), "disconnected", n), '}')
	return nil
}
