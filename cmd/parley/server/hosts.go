package server

import (
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// hosts says whose a request is. It is replaced as a whole.
type hosts struct{ table atomic.Pointer[hostTable] }

type hostTable struct {
	byHost map[string]string // the tenant of a host, or auth.Lobby if several have it
	other  string            // the same of all other hosts, "" for nobody's
}

func (h *hosts) store(tenants []config.Tenant) {
	table := &hostTable{byHost: map[string]string{}}
	for i := range tenants {
		t := &tenants[i]
		for _, host := range t.Hosts {
			host = config.CanonicalHost(host)
			table.byHost[host] = tenantOrLobby(table.byHost[host], t.Name)
		}
		if len(t.Hosts) == 0 || t.Lobby {
			table.other = tenantOrLobby(table.other, t.Name)
		}
	}
	h.table.Store(table)
}

// together is whose a host is that was one tenant's and is another's as well: then a token has to say.
func tenantOrLobby(before, tenant string) string {
	if before == "" || before == tenant {
		return tenant
	}
	return auth.Lobby
}

// tenant goes by the listener if that is somebody's, else by the Host header without its port, which counts only as one
// of the hosts that are configured.
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

// share says of the keys of tenants that share a host that a token there says whose it is. Documents of an outpost that
// two of them have are nobody's there.
func (k keys) shareHosts(tenants []config.Tenant) {
	together, times := map[string]api.Documents{}, map[string]int{}
	for name := range config.Sharing(tenants) {
		keys := k.tokens[name]
		keys.Lobby = true
		k.tokens[name] = keys
		for uuid, documents := range k.documents[name] {
			together[uuid] = documents
			times[uuid]++
		}
	}
	maps.DeleteFunc(together, func(uuid string, _ api.Documents) bool { return times[uuid] > 1 })
	k.documents[auth.Lobby] = together
}
