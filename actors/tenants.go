package actors

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/protocol"
)

// tenants are the tenants of a node, by name.
type tenants struct {
	mu     sync.RWMutex // guards byName
	byName map[string]*tenantCore
}

// tenant returns a tenant, nil if it is unknown.
func (ts *tenants) tenant(name string) *tenantCore {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.byName[name]
}

// lookup returns a tenant, or NotFound if it is unknown.
func (ts *tenants) lookup(name string) (*tenantCore, *protocol.Refusal) {
	if t := ts.tenant(name); t != nil {
		return t, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "unknown tenant %s", protocol.Quote(name))
}

// add has make create a tenant that is not known yet, and returns nil; a known one it returns. make may decline with
// nil.
func (ts *tenants) add(name string, make func() *tenantCore) (known *tenantCore) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.byName[name]; t != nil {
		return t
	}
	if t := make(); t != nil {
		if ts.byName == nil {
			ts.byName = map[string]*tenantCore{}
		}
		ts.byName[name] = t
	}
	return nil
}

// all are the tenants that exist at the moment.
func (ts *tenants) all() map[string]*tenantCore {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return maps.Clone(ts.byName)
}

// Tenants are the names of all tenants, sorted. It does not block.
func (ts *tenants) Tenants() []string {
	var names []string
	for name := range ts.all() {
		if !isInternal(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isInternal reports whether a tenant was made by the engine or by its users for themselves, such as that of the
// canaries, or the one for connections whose token will say to which tenant they belong. Such a tenant is in no list.
func isInternal(tenant string) bool { return strings.HasPrefix(tenant, "\x00") }

// conn finds a connection of a tenant by id; NotFound if there is no such tenant or connection.
func (ts *tenants) conn(tenant, id string) (*Conn, *protocol.Refusal) {
	t, err := ts.lookup(tenant)
	if err != nil {
		return nil, err
	}
	if l := t.links.Get(info.ConnectionNumber(id)); l != nil {
		return l, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "no connection %s", protocol.Quote(id))
}

// source describes a connection of a tenant for taps.
func (ts *tenants) source(tenant string, number uint64) (info.Source, bool) {
	if t := ts.tenant(tenant); t != nil {
		if l := t.links.Get(number); l != nil {
			return sourceOf(l), true
		}
	}
	return info.Source{}, false
}

// allConns are the connections of all tenants, without the canaries.
func (ts *tenants) allConns() (all []*Conn) {
	for name, t := range ts.all() {
		if name != canaryTenant {
			all = append(all, t.conns()...)
		}
	}
	return all
}

// withLifecycle are the tenants whose lifecycle is on.
func (ts *tenants) withLifecycle() (some []*tenantCore) {
	for _, t := range ts.all() {
		if t.lifecycle.Load() != nil {
			some = append(some, t)
		}
	}
	return some
}

// flush waits until the lifecycle events of users and connections so far are in the topics and with the sinks; Busy if
// ctx ends before.
func (ts *tenants) flush(ctx context.Context) *protocol.Refusal {
	for _, t := range ts.withLifecycle() {
		if err := t.flush(ctx); err != nil && err.Reason == protocol.Busy {
			return err
		}
	}
	return nil
}

// stopLifecycles ends the lifecycles, when nothing happens any more and everything that happened is emitted.
func (ts *tenants) stopLifecycles() {
	for _, t := range ts.withLifecycle() {
		t.lifecycle.Load().Stop()
	}
}

// canaryTenant is the tenant of the canaries, to which no API key, token or URL leads.
const canaryTenant = "\x00canary"
