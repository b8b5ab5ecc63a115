package auth

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
)

// tenantRegistry holds the tenants, replaces them when their settings or key sets change, and fetches the key sets.
type tenantRegistry struct {
	// Static after construction.
	config *Config
	cache  *tokenCache // loses the tokens of replaced tenants

	// table is replaced as a whole and never changed.
	table atomic.Pointer[tenantTable]

	mu sync.Mutex // held while the table is replaced
	// states of all tenants that ever were: they outlive keys. Guarded by mu; grows with the configuration only.
	states map[string]*tenantState

	settings map[string]TenantKeys // of the tenants in the table; guarded by mu
	started  bool                  // key sets are fetched; guarded by mu
	fetching sync.WaitGroup        // of key sets
}

func newTenantRegistry(config *Config, cache *tokenCache) *tenantRegistry {
	r := &tenantRegistry{config: config, cache: cache, states: map[string]*tenantState{},
		settings: map[string]TenantKeys{}}
	r.table.Store(&tenantTable{})
	return r
}

// reload replaces all tenants at once. If anything is wrong, nothing changes, and the error names all of it.
func (r *tenantRegistry) reload(settings map[string]TenantKeys) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	tenants := make(map[string]*tenant, len(settings))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		made, err := r.build(name, settings[name])
		if err != nil {
			problems = append(problems, err)
		}
		tenants[name] = made
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := r.replace(tenants); err != nil {
		return err
	}
	r.settings = make(map[string]TenantKeys, len(settings))
	maps.Copy(r.settings, settings)
	return nil
}

// set adds one tenant or replaces its keys and rules.
func (r *tenantRegistry) set(name string, settings TenantKeys) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.rebuild(name, settings); err != nil {
		return err
	}
	r.settings[name] = settings
	return nil
}

// find returns the tenant of a name. The error is a protocol.Refusal, NotFound.
func (r *tenantRegistry) find(name string) (*tenant, error) {
	if t := r.table.Load().byName[name]; t != nil {
		return t, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "there is no tenant %s", protocol.Quote(name))
}

// build checks the settings and makes a tenant of them, which is not in the table yet. It is called with mu held.
func (r *tenantRegistry) build(name string, settings TenantKeys) (*tenant, error) {
	b := tenantBuilder{
		config: r.config, settings: settings, before: r.table.Load().byName[name],
		accept: func(set *remoteKeySet, document []byte) error { return r.acceptDocument(name, set, document) },
		made:   &tenant{name: name, state: r.state(name)},
	}
	return b.build()
}

// rebuild makes a tenant and puts it into the table. It is called with mu held.
func (r *tenantRegistry) rebuild(name string, settings TenantKeys) error {
	made, err := r.build(name, settings)
	if err != nil {
		return err
	}
	tenants := map[string]*tenant{}
	maps.Copy(tenants, r.table.Load().byName)
	tenants[name] = made
	return r.replace(tenants)
}

// replace replaces the table. It is called with mu held.
func (r *tenantRegistry) replace(tenants map[string]*tenant) error {
	next, err := newTenantTable(tenants)
	if err != nil {
		return err
	}
	before := r.table.Swap(next)
	r.cache.removeStale(next)
	r.updateFetching(before, next)
	r.warnOfSkippedKeys(before, next)
	for name, t := range before.byName {
		if after := tenants[name]; after == nil || after.backend.client != t.backend.client {
			t.backend.close()
		}
	}
	return nil
}

// state returns the state of a tenant, which it makes if there is none. It is called with mu held.
func (r *tenantRegistry) state(name string) *tenantState {
	if r.states[name] == nil {
		r.states[name] = &tenantState{revoked: tenantRevocations{tenant: name}}
	}
	return r.states[name]
}

// revocationsOf returns the revocations of a tenant, which need not be in the table.
func (r *tenantRegistry) revocationsOf(name string) *tenantRevocations {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &r.state(name).revoked
}

// startFetching begins to fetch the key sets that have a URL.
func (r *tenantRegistry) startFetching() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
	r.updateFetching(&tenantTable{}, r.table.Load())
}

// stopFetching stops the fetching of key sets and waits for its end.
func (r *tenantRegistry) stopFetching() {
	r.mu.Lock()
	r.started = false
	r.updateFetching(r.table.Load(), &tenantTable{})
	r.mu.Unlock()
	r.fetching.Wait()
}

// closeBackends closes idle connections to the tenants' backends.
func (r *tenantRegistry) closeBackends() {
	for _, t := range r.table.Load().byName {
		t.backend.close()
	}
}

// updateFetching fetches for the tenants of now and stops fetching for those that are gone. It is called with mu held.
func (r *tenantRegistry) updateFetching(before, now *tenantTable) {
	for name, t := range before.byName {
		for _, set := range t.remote {
			if set.stop != nil && now.keySet(name, set.url) != set {
				set.stop()
			}
		}
	}
	for _, t := range now.byName {
		for _, set := range t.remote {
			if r.started && set.stop == nil {
				ctx, stop := context.WithCancel(context.Background())
				set.stop = stop
				set.refresher.Start()
				r.fetching.Go(func() { set.refresher.Run(ctx) })
			}
		}
	}
}

// acceptDocument takes a new document of a tenant's key set, or says why it cannot be used. Connections that the
// earlier keys admitted stay.
func (r *tenantRegistry) acceptDocument(name string, set *remoteKeySet, document []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.table.Load().keySet(name, set.url) != set {
		return nil // no tenant has this key set any more
	}
	last := set.document
	set.document = document
	if err := r.rebuild(name, r.settings[name]); err != nil {
		set.document = last
		return err
	}
	set.loaded.Store(true)
	return nil
}

// warnOfSkippedKeys logs which keys were left out of the tenants that are new in the table.
func (r *tenantRegistry) warnOfSkippedKeys(before, now *tenantTable) {
	for name, t := range now.byName {
		if before.byName[name] == t {
			continue
		}
		for _, warning := range t.warnings {
			r.config.Logger.LogAttrs(context.Background(), slog.LevelWarn,
				"a key of a key set cannot be used and is left out",
				slog.String("tenant", name), slog.String("why", warning))
		}
	}
}

// addStats adds the counters of all tenants.
func (r *tenantRegistry) addStats(s *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, state := range r.states {
		s.Outcomes[name] = state.counts.snapshot()
	}
	for name, t := range r.table.Load().byName {
		if t.backend.client != nil {
			s.Introspection[name] = t.backend.client.Stats()
		}
		if len(t.remote) > 0 {
			s.KeySets[name] = t.remote.stats()
		}
	}
}
