package server

import (
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// hosts says which tenant a request belongs to. Its table is replaced as a whole.
type hosts struct{ table atomic.Pointer[hostTable] }

type hostTable struct {
	byHost map[string]string // the tenant of a host, or auth.UnresolvedTenant if several have it
	other  string            // the same for all other hosts, "" for no tenant
}

func (h *hosts) store(tenants []config.Tenant) {
	table := &hostTable{byHost: map[string]string{}}
	for i := range tenants {
		t := &tenants[i]
		for _, host := range t.Hosts {
			host = config.CanonicalHost(host)
			table.byHost[host] = tenantOrUnresolved(table.byHost[host], t.Name)
		}
		if len(t.Hosts) == 0 || t.AllowUnresolved {
			table.other = tenantOrUnresolved(table.other, t.Name)
		}
	}
	h.table.Store(table)
}

// tenantOrUnresolved returns the one tenant of a host, or auth.UnresolvedTenant if two have it: then a token has to say
// which.
func tenantOrUnresolved(before, tenant string) string {
	if before == "" || before == tenant {
		return tenant
	}
	return auth.UnresolvedTenant
}

// tenant goes by the listener if that belongs to a tenant, else by the Host header without its port, which counts only
// if it is configured.
func (h *hosts) tenant(r *http.Request) string {
	if fixed, ok := r.Context().Value(listenerTenant{}).(string); ok {
		return fixed
	}
	table := h.table.Load()
	if name, ok := table.byHost[hostOf(r)]; ok {
		return name
	}
	return table.other
}

// hostOf is the Host header as hosts are compared.
func hostOf(r *http.Request) string { return config.CanonicalHost(r.Host) }

// shareHosts marks the keys of tenants that share a host: there a token says which tenant a client belongs to. If two
// of them have documents for one outpost, it gets neither there.
func (k keys) shareHosts(tenants []config.Tenant) {
	together, times := map[string]api.Documents{}, map[string]int{}
	for name := range config.Sharing(tenants) {
		keys := k.tokens[name]
		keys.AllowUnresolved = true
		k.tokens[name] = keys
		for uuid, documents := range k.documents[name] {
			together[uuid] = documents
			times[uuid]++
		}
	}
	maps.DeleteFunc(together, func(uuid string, _ api.Documents) bool { return times[uuid] > 1 })
	k.documents[auth.UnresolvedTenant] = together
}
