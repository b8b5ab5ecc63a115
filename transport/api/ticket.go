package api

import (
	"context"
	"net/http"

	"github.com/parley-realtime/parley/protocol"
)

// ticket does POST /api/v1/ws/ticket (spec R002.24): it exchanges a user's own token for a ticket, which opens one
// socket. It ignores what else web pages send (X-CSRF-Token, X-Client-Type, a body). Of several Authorization headers
// the first counts, as in the original.
func (a *API) ticket(ctx context.Context, rc *requestContext) error {
	if a.cfg.Tickets == nil {
		return protocol.Refuse(protocol.NotFound, "no tickets are made here")
	}
	shown := rc.r.Header["Authorization"]
	token, err := bearer(shown[:min(1, len(shown))])
	if err != nil {
		return err
	}
	made, err := a.cfg.Tickets.Issue(ctx, rc.tenant, token)
	if err != nil {
		return err
	}
	rc.status = http.StatusCreated
	rc.out = append(appendTextMember(append(rc.out, '{'), "ticket", made), '}')
	return nil
}
