package server

import (
	"context"
	"net/url"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// tokenService serves, for the API, users and outposts that show tokens of their own.
type tokenService struct {
	verifier *auth.Verifier
	// rules are those of the dialect that takes tickets, for a token that is shown for one. A token that the dialect
	// would refuse gets no ticket.
	rules     func() (protocol.Claims, bool)
	documents atomic.Pointer[map[string]map[string]api.Documents] // by tenant and outpost; replaced as a whole
}

var (
	_ api.Tickets  = (*tokenService)(nil)
	_ api.Outposts = (*tokenService)(nil)
)

// Issue implements api.Tickets.
func (d *tokenService) Issue(ctx context.Context, tenant, bearer string) (string, error) {
	rules, ok := d.rules()
	if !ok {
		return "", protocol.Refuse(protocol.NotFound, "no protocol of this server takes tickets")
	}
	id, err := d.verifier.Authenticate(ctx, tenant, protocol.Credential{Token: bearer, Claims: rules})
	if err != nil {
		return "", err
	}
	return d.verifier.Tickets().Issue(tenant, id, rules)
}

// OutpostsOf implements api.Outposts. A token for any outpost, as dev mode has it, is that of dev mode's own outpost.
func (d *tokenService) OutpostsOf(ctx context.Context, tenant, bearer string) ([]string, error) {
	all, err := d.verifier.OutpostsOf(ctx, tenant, bearer)
	for i := range all {
		if all[i] == auth.NilOutpost {
			all[i] = config.DevOutpost
		}
	}
	return all, err
}

// Documents implements api.Outposts.
func (d *tokenService) Documents(tenant string) map[string]api.Documents {
	return (*d.documents.Load())[tenant]
}

// upstream answers those calls of outposts that this server does not; nil for none. Load has refused a wrong URL.
func upstream(cfg *config.Config) *url.URL {
	original := cfg.APISettings()
	if original == nil {
		return nil
	}
	at, _ := original.UpstreamURL()
	return at
}
