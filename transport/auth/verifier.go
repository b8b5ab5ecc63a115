package auth

import (
	"fmt"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/introspection"
	"github.com/parley-realtime/parley/transport/auth/jwks"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// Verifier authenticates clients and authorizes them. Its methods may be called from many goroutines at once.
type Verifier struct {
	// Static after construction.
	now      func() time.Time
	tenants  *tenantRegistry
	tokens   *tokenVerifier
	tickets  *Tickets
	revoked  *revocationList
	outcomes outcomeLog
	checks   *fairqueue.Queue

	unresolved tenantState // of attempts that name no existing tenant, or whose tenant was not found out
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
	registry := newTenantRegistry(&cfg, cache)
	v := &Verifier{
		now: cfg.Clock, tenants: registry, tokens: &tokenVerifier{registry, cache},
		tickets: newTickets(cfg.Tickets, cfg.Clock), revoked: newRevocationList(&cfg),
		outcomes: outcomeLog{cfg.Logger, cfg.WarnAfter},
		checks:   fairqueue.New(cfg.SignatureChecks, cfg.SignatureQueue, cfg.SignatureWait),
	}
	if err := registry.reload(tenants); err != nil {
		return nil, err
	}
	if err := v.revoked.replay(registry.revocationsOf, v.now()); err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	return v, nil
}

// Start begins to fetch the key sets that have a URL, also those that Reload and SetTenant bring later. Until a key set
// has been fetched, its tokens are refused as Busy. Close stops the fetching.
func (v *Verifier) Start() { v.tenants.startFetching() }

// Close stops the fetching of key sets and waits for its end, closes idle connections to the tenants' backends, and
// tries once more to write revocations that the Journal did not take.
func (v *Verifier) Close() {
	v.tenants.stopFetching()
	v.revoked.flush()
	v.tenants.closeBackends()
}

// Reload replaces the keys and rules of all tenants at once and removes tenants that are not named. If anything is
// wrong, nothing changes, and the error names all of it. Counters and revocations stay; cached tokens of replaced
// tenants go.
func (v *Verifier) Reload(settings map[string]TenantKeys) error { return v.tenants.reload(settings) }

// SetTenant adds one tenant or replaces its keys and rules, as Reload does.
func (v *Verifier) SetTenant(name string, settings TenantKeys) error {
	return v.tenants.set(name, settings)
}

// Keys returns the fingerprints of all keys of a tenant, as Identity.Key has them; nil if there is no such tenant.
func (v *Verifier) Keys(tenant string) []protocol.KeyFingerprint {
	if t := v.tenants.table.Load().byName[tenant]; t != nil {
		return t.fingerprints()
	}
	return nil
}

// Sign signs a token for a user of the tenant, with jti, iat and exp, the tenant's issuer and audience, and the key's
// kid. It does not check that the token would be accepted: the further claims may be meant to prevent that. The error
// is a protocol.Refusal: NotFound (no such tenant, or no such key that can sign), Malformed, or TooLarge.
func (v *Verifier) Sign(tenant string, g Grant) (string, error) {
	t, err := v.tenants.find(tenant)
	if err != nil {
		return "", err
	}
	return t.signer.sign(g, v.now())
}

// AppOf returns the tenant and the key of the app with an id; false if there is none.
func (v *Verifier) AppOf(id string) (tenant, key string, ok bool) {
	t, a := v.tenants.table.Load().app(id)
	if a == nil {
		return "", "", false
	}
	return t.name, a.key, true
}

// AppHasSigned reports whether the app with an id has signed a text: whether the signature is the text's HMAC-SHA256 in
// lower-case hexadecimal digits.
func (v *Verifier) AppHasSigned(id, text, signature string) bool {
	_, a := v.tenants.table.Load().app(id)
	return a != nil && a.hasSigned(text, signature)
}

// Tickets returns the tickets that Authenticate takes.
func (v *Verifier) Tickets() *Tickets { return v.tickets }

// Stats returns a snapshot of the counters, for metrics.
func (v *Verifier) Stats() Stats {
	s := Stats{
		Outcomes:     map[string]map[string]uint64{"": v.unresolved.counts.snapshot()},
		CacheEntries: v.tokens.cache.len(),
		Revocations:  int(v.revoked.count.Load()),
		Forgotten:    v.revoked.forgotten.Load(),
		NotKept:      v.revoked.failed.Load(),
		Signatures:   v.checks.Stats(),

		Introspection: map[string]introspection.Stats{}, KeySets: map[string]jwks.Stats{},
	}
	s.Tickets, s.TicketsLost = v.tickets.stats()
	v.tenants.addStats(&s)
	return s
}

// String keeps the keys out of logs and messages.
func (v *Verifier) String() string {
	return fmt.Sprintf("[verifier of %d tenants]", len(v.tenants.table.Load().byName))
}
