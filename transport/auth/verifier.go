package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// Verifier authenticates clients and authorizes them. Its methods may be called from many goroutines at once.
type Verifier struct {
	// Static after construction.
	now        func() time.Time
	log        *slog.Logger
	warnAfter  int
	config     Config
	cache      *tokenCache
	revoked    *revocationList
	tickets    *Tickets
	unresolved tenantState // of attempts that name no existing tenant, or whose tenant was not found out

	// table is replaced as a whole and never changed.
	table atomic.Pointer[tenantTable]

	mu sync.Mutex // held while the table is replaced
	// states of all tenants that ever were: they outlive keys. Guarded by mu; grows with the configuration only.
	states map[string]*tenantState

	settings map[string]TenantKeys // of the tenants in the table; guarded by mu
	started  bool                  // key sets are fetched; guarded by mu
	fetching sync.WaitGroup        // of key sets
}

// New makes a Verifier for the tenants; there may be none yet. It blocks while it reads the Journal. The error names
// all that is wrong with the settings.
func New(cfg Config, tenants map[string]TenantKeys) (*Verifier, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cache, err := newTokenCache(cfg.CacheEntries)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		now: cfg.Clock, log: cfg.Logger, warnAfter: cfg.WarnAfter, config: cfg, cache: cache,
		revoked: newRevocationList(cfg.Revocations, cfg.RevocationAge), tickets: newTickets(cfg.Tickets, cfg.Clock),
		states: map[string]*tenantState{},
	}
	v.revoked.journal = cfg.Journal
	v.table.Store(&tenantTable{})
	if err := v.Reload(tenants); err != nil {
		return nil, err
	}
	if err := v.replayJournal(); err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	return v, nil
}

// Reload replaces the keys and rules of all tenants at once and removes tenants that are not named. If anything is
// wrong, nothing changes, and the error names all of it. Counters and revocations stay; cached tokens of replaced
// tenants go.
func (v *Verifier) Reload(settings map[string]TenantKeys) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	tenants := make(map[string]*tenant, len(settings))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		made, err := v.newTenant(name, settings[name])
		if err != nil {
			problems = append(problems, err)
		}
		tenants[name] = made
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := v.replace(tenants); err != nil {
		return err
	}
	v.settings = maps.Clone(settings)
	return nil
}

// Keys returns the fingerprints of all keys of a tenant, as Identity.Key has them; nil if there is no such tenant.
func (v *Verifier) Keys(tenant string) []protocol.KeyFingerprint {
	if t := v.table.Load().byName[tenant]; t != nil {
		return t.fingerprints()
	}
	return nil
}

// SetTenant adds one tenant or replaces its keys and rules, as Reload does.
func (v *Verifier) SetTenant(name string, settings TenantKeys) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	made, err := v.newTenant(name, settings)
	if err != nil {
		return err
	}
	if err := v.replaceTenant(made); err != nil {
		return err
	}
	if v.settings == nil {
		v.settings = map[string]TenantKeys{}
	}
	v.settings[name] = settings
	return nil
}

// replaceTenant replaces one tenant. It is called with mu held.
func (v *Verifier) replaceTenant(t *tenant) error {
	tenants := maps.Clone(v.table.Load().byName)
	if tenants == nil {
		tenants = map[string]*tenant{}
	}
	tenants[t.name] = t
	return v.replace(tenants)
}

// replace replaces the table. It is called with mu held.
func (v *Verifier) replace(tenants map[string]*tenant) error {
	next, err := newTenantTable(tenants)
	if err != nil {
		return err
	}
	before := v.table.Swap(next)
	v.cache.removeStale(next)
	v.updateFetching(before, next)
	v.warnOfSkippedKeys(before, next)
	for name, t := range before.byName {
		if after := tenants[name]; t.backend != nil && (after == nil || after.backend != t.backend) {
			t.backend.Close()
		}
	}
	return nil
}

// Close stops the fetching of key sets and waits for its end, closes idle connections to the tenants' backends, and
// tries once more to write revocations that the Journal did not take.
func (v *Verifier) Close() {
	v.mu.Lock()
	v.started = false
	v.updateFetching(v.table.Load(), &tenantTable{})
	v.mu.Unlock()
	v.fetching.Wait()
	v.revoked.flush()
	for _, t := range v.table.Load().byName {
		if t.backend != nil {
			t.backend.Close()
		}
	}
}

// state returns the state of a tenant, which it makes if there is none. It is called with mu held.
func (v *Verifier) state(name string) *tenantState {
	if v.states[name] == nil {
		v.states[name] = &tenantState{revoked: tenantRevocations{tenant: name}}
	}
	return v.states[name]
}

func (v *Verifier) tenant(name string) (*tenant, error) {
	if t := v.table.Load().byName[name]; t != nil {
		return t, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "there is no tenant %s", protocol.Quote(name))
}

// Authenticate says who shows the credential to a tenant, or to UnresolvedTenant. The error is a protocol.Refusal:
// Unauthorized, TokenExpired, InvalidToken, UnknownUser, TooLarge (with the limit as detail; the others have none), or
// Busy if the tenant's backend could not be asked or its key set has not been fetched. The identity belongs to the
// caller, except for its Topics, which are shared and must not be changed; its Tenant is set for UnresolvedTenant only.
//
// It may block for the Budget of the tenant's introspection, and for a fetch of the tenant's key set if the token names
// an unknown key; it gives up when the context ends.
func (v *Verifier) Authenticate(
	ctx context.Context, tenant string, credential protocol.Credential,
) (*protocol.Identity, error) {
	table := v.table.Load()
	a := attempt{table: table, tenant: table.byName[tenant], credential: credential, now: v.now()}
	if a.tenant == nil && tenant != UnresolvedTenant {
		v.recordOutcome(ctx, &v.unresolved, tenant, UnknownTenant, a.now)
		return nil, UnknownTenant.refusal()
	}
	found, outcome := v.check(ctx, &a)
	if outcome.admits() {
		outcome = a.recheck(ctx, &found, outcome)
	}
	state := &v.unresolved
	if found.tenant != nil {
		state, tenant = found.tenant.state, found.tenant.name
	}
	v.recordOutcome(ctx, state, tenant, outcome, a.now)
	if !outcome.admits() {
		return nil, outcome.refusal()
	}
	if a.tenant == nil {
		found.identity.Tenant = tenant
	}
	return found.identity, nil
}

// Stats returns a snapshot of the counters, for metrics.
func (v *Verifier) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := Stats{
		Outcomes:     map[string]map[string]uint64{"": v.unresolved.counts.snapshot()},
		CacheEntries: v.cache.len(),
		Revocations:  int(v.revoked.count.Load()),
		Forgotten:    v.revoked.forgotten.Load(),
		NotKept:      v.revoked.failed.Load(),

		Introspection: map[string]introspection.Stats{}, KeySets: map[string]jwks.Stats{},
	}
	s.Tickets, s.TicketsLost = v.tickets.stats()
	for name, state := range v.states {
		s.Outcomes[name] = state.counts.snapshot()
	}
	for name, t := range v.table.Load().byName {
		if t.backend != nil {
			s.Introspection[name] = t.backend.Stats()
		}
		if len(t.remoteKeySets) > 0 {
			s.KeySets[name] = t.keySetStats()
		}
	}
	return s
}

// String keeps the keys out of logs and messages.
func (v *Verifier) String() string {
	return fmt.Sprintf("[verifier of %d tenants]", len(v.table.Load().byName))
}
