package server

import (
	"context"
	"crypto/sha256"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// desk serves, for the API, users and outposts that come with tokens of their own.
type desk struct {
	verifier *auth.Verifier
	// outposts says which outpost a token is for, by its hash; the verifier says whether it holds. It is replaced as a
	// whole. A token that only a tenant's backend knows is not in it: such an outpost has to know its uuid by itself.
	outposts atomic.Pointer[map[[sha256.Size]byte]string]
}

var (
	_ api.Tickets  = (*desk)(nil)
	_ api.Outposts = (*desk)(nil)
)

// userClaims are the rules for a token that is shown for a ticket.
var userClaims = protocol.Claims{Refuse: []string{"refresh"}}

// Issue implements api.Tickets.
func (d *desk) Issue(ctx context.Context, tenant, bearer string) (string, error) {
	id, err := d.verifier.Authenticate(ctx, tenant, protocol.Credential{Token: bearer, Claims: userClaims})
	if err != nil {
		return "", err
	}
	return d.verifier.Tickets().Issue(tenant, id)
}

// store takes the tokens of all tenants.
func (d *desk) store(tokens map[string]auth.TenantKeys) {
	all := map[[sha256.Size]byte]string{}
	for _, keys := range tokens {
		for _, token := range keys.Outposts {
			all[sha256.Sum256([]byte(token.Token))] = token.Outpost
		}
	}
	d.outposts.Store(&all)
}

// OutpostsOf implements api.Outposts.
func (d *desk) OutpostsOf(ctx context.Context, tenant, bearer string) ([]string, error) {
	uuid, known := (*d.outposts.Load())[sha256.Sum256([]byte(bearer))]
	if !known {
		return nil, protocol.Refuse(protocol.Forbidden, "")
	}
	if uuid == auth.AnyOutpost {
		uuid = config.DevOutpost
	}
	if _, err := d.verifier.Authenticate(ctx, tenant, protocol.Credential{Form: protocol.Outpost, Token: bearer, For: uuid}); err != nil {
		return nil, err
	}
	return []string{uuid}, nil
}
