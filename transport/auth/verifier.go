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

// Verifier says who shows a token. Its methods may be called from many goroutines at once.
type Verifier struct {
	// Static after construction.
	now        func() time.Time
	log        *slog.Logger
	warnAfter  int
	config     Config
	cache      *tokenCache
	revoked    *revocationList
	tickets    *Tickets
	unresolved tenantState // of tenants that there are not, and of those in the lobby that are nobody's

	// roster is replaced as a whole, never changed.
	table atomic.Pointer[tenantTable]

	mu sync.Mutex // held while the roster is replaced
	// ledgers of all tenants that ever were: they outlive keys. Guarded by mu; grows with the configuration only.
	states map[string]*tenantState

	settings map[string]TenantKeys // by which the tenants of the roster were made; guarded by mu
	started  bool                  // key sets are fetched; guarded by mu
	fetching sync.WaitGroup        // of key sets
}

// ledger is what is remembered of a tenant whatever its keys are.
type tenantState struct {
	counts   outcomeCounters
	failures minuteCounter
	revoked  tenantRevocations
	// farthest is the latest exp that was accepted, in Unix seconds: revocations hold at least until then.
	latestExpiry atomic.Int64
	issueTimes   issueTimes
}

// New makes a Verifier for the tenants, which may be none yet.
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

// Reload replaces the keys and rules of all tenants at once; tenants that are not named are gone. If anything is wrong
// nothing changes, and the error tells all of it. Counters and revocations stay; remembered tokens are forgotten.
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

// Keys are the fingerprints of all keys of a tenant, as identities have them (protocol.Identity); none if there is no
// such tenant.
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

// replaceOne is replace for one tenant.
func (v *Verifier) replaceTenant(t *tenant) error {
	tenants := maps.Clone(v.table.Load().byName)
	if tenants == nil {
		tenants = map[string]*tenant{}
	}
	tenants[t.name] = t
	return v.replace(tenants)
}

// replace is called with mu held.
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

// Close ends the fetching of key sets and waits for it, lets go of the connections to the tenants' backends that nobody
// uses, and tries once more to write revocations that the Journal did not take.
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

// ledger is called with mu held.
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

// Authenticate says who shows the credential in a tenant, or in the Lobby. The error is a protocol.Refusal without
// detail: Unauthorized, TokenExpired, InvalidToken, UnknownUser, or Busy if the tenant's backend could not be asked.
// The identity is the caller's own, but for its Topics, which are shared and never changed; its Tenant is set in the
// Lobby alone.
func (v *Verifier) Authenticate(ctx context.Context, tenant string, credential protocol.Credential) (*protocol.Identity,
	error) {
	now, r := v.now(), v.table.Load()
	at := r.byName[tenant]
	if at == nil && tenant != UnresolvedTenant {
		v.recordOutcome(ctx, &v.unresolved, tenant, UnknownTenant, now)
		return nil, UnknownTenant.refusal()
	}
	found, outcome := v.check(ctx, r, at, &credential, now)
	if outcome.admits() {
		outcome = v.recheck(ctx, &found, &credential, outcome, now)
	}
	account := &v.unresolved
	if found.tenant != nil {
		account, tenant = found.tenant.state, found.tenant.name
	}
	v.recordOutcome(ctx, account, tenant, outcome, now)
	if !outcome.admits() {
		return nil, outcome.refusal()
	}
	if at == nil {
		found.identity.Tenant = tenant
	}
	return found.identity, nil
}

// seen notes the times of a token that was accepted.
func (l *tenantState) recordToken(v *verifiedToken, now time.Time) {
	if !v.expires.IsZero() {
		storeMax(&l.latestExpiry, v.expires.Unix())
	}
	l.issueTimes.record(v.identity.User, v.identity.Issued, now)
}

// Figures are the counters, for metrics.
func (v *Verifier) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := Stats{
		Outcomes:     map[string]map[string]uint64{"": v.unresolved.counts.snapshot()},
		CacheEntries: v.cache.len(),
		Revocations:  int(v.revoked.count.Load()),
		Forgotten:    v.revoked.forgotten.Load(),
		NotKept:      v.revoked.failed.Load(),

		Introspection: map[string]introspection.Stats{}, KeySets: map[string]jwks.Stats{},
	}
	f.Tickets, f.TicketsLost = v.tickets.stats()
	for name, account := range v.states {
		f.Outcomes[name] = account.counts.snapshot()
	}
	for name, t := range v.table.Load().byName {
		if t.backend != nil {
			f.Introspection[name] = t.backend.Stats()
		}
		if len(t.remoteKeySets) > 0 {
			f.KeySets[name] = t.keySetStats()
		}
	}
	return f
}

// String keeps the keys within out of logs and messages.
func (v *Verifier) String() string {
	return fmt.Sprintf("[verifier of %d tenants]", len(v.table.Load().byName))
}
