package actors

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/parley-realtime/parley/protocol"
)

// tenants are those of a node, by name.
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

// known returns a tenant or the refusal of an unknown one.
func (ts *tenants) lookup(name string) (*tenantCore, *protocol.Refusal) {
	if t := ts.tenant(name); t != nil {
		return t, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "unknown tenant %s", protocol.Quote(name))
}

// add has a tenant made that is not known yet; one that is known it returns. make may decline with nil.
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

// all are the tenants that there are at the moment.
func (ts *tenants) all() map[string]*tenantCore {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return maps.Clone(ts.byName)
}

// Tenants are the names of all tenants, sorted.
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

// hidden reports whether a tenant is one of the engine's or its users' own making, such as the canary's, or a lobby for
// connections whose token says which tenant they are of. It is in no list.
func isInternal(tenant string) bool { return strings.HasPrefix(tenant, "\x00") }

// link finds a connection of a tenant by id.
func (ts *tenants) conn(tenant, id string) (*Conn, *protocol.Refusal) {
	t, err := ts.lookup(tenant)
	if err != nil {
		return nil, err
	}
	if l := t.links.find(numberOf(id)); l != nil {
		return l, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "no connection %s", protocol.Quote(id))
}

// everyLink are the connections of all tenants, the canary's not counted.
func (ts *tenants) allConns() (all []*Conn) {
	for name, t := range ts.all() {
		if name != canaryTenant {
			all = append(all, t.conns()...)
		}
	}
	return all
}

// thatTell are those whose lifecycle is told.
func (ts *tenants) withLifecycle() (some []*tenantCore) {
	for _, t := range ts.all() {
		if t.lifecycle.Load() != nil {
			some = append(some, t)
		}
	}
	return some
}

// settle returns when what the users and connections have told so far is in the topics and with the sinks, or with
// Busy when ctx ends before.
func (ts *tenants) flush(ctx context.Context) *protocol.Refusal {
	for _, t := range ts.withLifecycle() {
		if err := t.flush(ctx); err != nil && err.Reason == protocol.Busy {
			return err
		}
	}
	return nil
}

// farewell ends the lifecycles, when nothing happens any more and all that did is told.
func (ts *tenants) stopLifecycles() {
	for _, t := range ts.withLifecycle() {
		t.lifecycle.Load().box.SendUnbounded(stopLifecycle{})
	}
}

// The canaries' tenant, which no API key, token or URL leads to.
const canaryTenant = "\x00canary"
