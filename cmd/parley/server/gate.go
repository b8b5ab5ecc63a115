package server

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/websocket"
)

// gate fits the verifier to the engine, which has its own word for a revocation.
type gate struct{ *auth.Verifier }

// Revoke keeps what was revoked from coming in again.
func (g gate) Revoke(tenant string, r actors.Revocation) {
	// The engine has checked the tenant and that a user or token is named; a name that no token can have needs no entry.
	_ = g.Verifier.Revoke(tenant, auth.Revocation{User: r.User, TokenID: r.TokenID, Before: r.Before})
}

// keys are the secrets of all tenants, by tenant.
type keys struct {
	tokens   map[string]auth.TenantKeys
	backends map[string][]string
}

// readKeys reads the key files.
func readKeys(tenants []config.Tenant) (keys, error) {
	k := keys{map[string]auth.TenantKeys{}, map[string][]string{}}
	for i := range tenants {
		t := &tenants[i]
		var err error
		if k.tokens[t.Name], err = t.TokenKeys(); err != nil {
			return k, err
		}
		if k.backends[t.Name], err = t.BackendKeys(); err != nil {
			return k, fmt.Errorf("tenant %s: api_key_file: %w", t.Name, err)
		}
	}
	return k, nil
}

func limits(tenants []config.Tenant) []actors.TenantConfig {
	var all []actors.TenantConfig
	for i := range tenants {
		all = append(all, tenants[i].Limits())
	}
	return all
}

// hosts says whose a request is. It is replaced as a whole.
type hosts struct{ table atomic.Pointer[hostTable] }

type hostTable struct {
	byHost map[string]string
	other  string // the tenant of all other hosts, "" for none
}

func (h *hosts) store(tenants []config.Tenant) {
	table := &hostTable{byHost: map[string]string{}}
	for i := range tenants {
		for _, host := range tenants[i].Hosts {
			table.byHost[strings.ToLower(host)] = tenants[i].Name
		}
		if len(tenants[i].Hosts) == 0 {
			table.other = tenants[i].Name
		}
	}
	h.table.Store(table)
}

// tenant goes by the Host header without its port.
func (h *hosts) tenant(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	table := h.table.Load()
	if name, ok := table.byHost[strings.ToLower(host)]; ok {
		return name
	}
	return table.other
}

// door is what stands at the public address: sockets on their dialects' paths, calls below /api/v1/, and for the rest
// whatever answers it.
type door struct {
	sockets     *websocket.Handler
	calls, rest http.Handler
}

// ServeHTTP implements http.Handler.
func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.sockets.Serves(r.URL.Path):
		d.sockets.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v1/"):
		d.calls.ServeHTTP(w, r)
	default:
		d.rest.ServeHTTP(w, r)
	}
}
