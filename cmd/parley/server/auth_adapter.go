package server

import (
	"fmt"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/webhook"
)

// authAdapter fits the verifier to the engine, which has a type of its own for a revocation.
type authAdapter struct{ *auth.Verifier }

var (
	_ actors.Authenticator = authAdapter{}
	_ actors.Authorizer    = authAdapter{}
)

// Revoke refuses what was revoked from now on.
func (g authAdapter) Revoke(tenant string, r grant.Revocation) error {
	return g.Verifier.Revoke(tenant, auth.Revocation(r))
}

// Unrevoke takes a revocation back, and reports whether there was one.
func (g authAdapter) Unrevoke(tenant string, r grant.Revocation) (bool, error) {
	return g.Verifier.Unrevoke(tenant, auth.Revocation(r))
}

// keys are the secrets of all tenants, and the documents for their outposts, by tenant.
type keys struct {
	tokens    map[string]auth.TenantKeys
	backends  map[string][]string
	hooks     map[string]webhook.Config
	documents map[string]map[string]api.Documents
}

// readKeys reads the key files, and the outposts' documents.
func readKeys(tenants []config.Tenant) (keys, error) {
	k := keys{map[string]auth.TenantKeys{}, map[string][]string{}, map[string]webhook.Config{},
		map[string]map[string]api.Documents{}}
	for i := range tenants {
		t := &tenants[i]
		var err error
		if k.tokens[t.Name], err = t.TokenKeys(); err != nil {
			return k, err
		}
		if k.backends[t.Name], err = t.BackendKeys(); err != nil {
			return k, fmt.Errorf("tenant %s: api_key_file: %w", t.Name, err)
		}
		if k.hooks[t.Name], err = t.Lifecycle.ReadWebhook(); err != nil {
			return k, fmt.Errorf("tenant %s: %w", t.Name, err)
		}
		if k.documents[t.Name], err = t.OutpostDocuments(); err != nil {
			return k, err
		}
	}
	return k, nil
}
