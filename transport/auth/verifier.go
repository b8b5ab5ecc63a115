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
)

// Verifier says who shows a token. Its methods may be called from many goroutines at once.
type Verifier struct {
	// Static after construction.
	now       func() time.Time
	log       *slog.Logger
	warnAfter int
	cache     *cache
	revoked   *register
	strangers ledger // of tenants that there are not

	// tenants is replaced as a whole, never changed.
	tenants atomic.Pointer[map[string]*tenant]

	mu sync.Mutex // held while tenants is replaced
	// ledgers of all tenants that ever were: they outlive keys. Guarded by mu; grows with the configuration only.
	ledgers map[string]*ledger
}

// ledger is what is remembered of a tenant whatever its keys are.
type ledger struct {
	counts   tally
	failures alarm
	revoked  list
	// farthest is the latest exp that was accepted, in Unix seconds: revocations are kept at least until then.
	farthest atomic.Int64
	// lastIssued is the latest iat that was accepted, in Unix nanoseconds: see Revoke.
	lastIssued atomic.Int64
}

// New makes a Verifier for the tenants, which may be none yet.
func New(cfg Config, tenants map[string]TenantKeys) (*Verifier, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cache, err := newCache(cfg.CacheEntries)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		now: cfg.Clock, log: cfg.Logger, warnAfter: cfg.WarnAfter, cache: cache,
		revoked: newRegister(cfg.Revocations, cfg.RevocationAge), ledgers: map[string]*ledger{},
	}
	v.tenants.Store(&map[string]*tenant{})
	if err := v.Reload(tenants); err != nil {
		return nil, err
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
		made, err := newTenant(name, settings[name], v.ledger(name))
		if err != nil {
			problems = append(problems, err)
		}
		tenants[name] = made
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	v.replace(tenants)
	return nil
}

// SetTenant adds one tenant or replaces its keys and rules, as Reload does.
func (v *Verifier) SetTenant(name string, settings TenantKeys) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	made, err := newTenant(name, settings, v.ledger(name))
	if err != nil {
		return err
	}
	tenants := maps.Clone(*v.tenants.Load())
	tenants[name] = made
	v.replace(tenants)
	return nil
}

// replace is called with mu held.
func (v *Verifier) replace(tenants map[string]*tenant) {
	v.tenants.Store(&tenants)
	v.cache.sweep(tenants)
}

// ledger is called with mu held.
func (v *Verifier) ledger(name string) *ledger {
	if v.ledgers[name] == nil {
		v.ledgers[name] = &ledger{}
	}
	return v.ledgers[name]
}

func (v *Verifier) tenant(name string) (*tenant, error) {
	if t := (*v.tenants.Load())[name]; t != nil {
		return t, nil
	}
	return nil, protocol.Refuse(protocol.NotFound, "there is no tenant %s", protocol.Quote(name))
}

// Authenticate says who shows the credential. The error is a protocol.Refusal with reason Unauthorized, TokenExpired or
// InvalidToken and no detail. A credential of another form than a JWT, or bound to a thing, is refused: it is for others
// to check. The identity is the caller's own, but for its Topics, which are shared and never changed.
func (v *Verifier) Authenticate(ctx context.Context, tenant string, credential protocol.Credential) (*protocol.Identity, error) {
	now := v.now()
	t := (*v.tenants.Load())[tenant]
	if t == nil {
		v.note(ctx, &v.strangers, tenant, UnknownTenant, now)
		return nil, UnknownTenant.refusal()
	}
	id, outcome := v.check(t, &credential, now)
	v.note(ctx, t.account, tenant, outcome, now)
	if !outcome.admits() {
		return nil, outcome.refusal()
	}
	return id, nil
}

func (v *Verifier) check(t *tenant, credential *protocol.Credential, now time.Time) (*protocol.Identity, Outcome) {
	switch {
	case credential.Form != protocol.Token || credential.For != "":
		return nil, OtherForm
	case credential.Token == "" && credential.Claims.Anonymous:
		return &protocol.Identity{Topics: t.anonymous}, Anonymous
	case credential.Token == "":
		return nil, NoToken
	case len(credential.Token) > MaxToken:
		return nil, TooLarge
	}
	mark := fingerprintOf(t.name, &credential.Claims, credential.Token)
	known, outcome := v.cache.find(mark, t), Cached
	if known == nil {
		if known, outcome = t.verify(credential.Token, &credential.Claims, now); outcome != Accepted {
			return nil, outcome
		}
		t.account.seen(known)
		v.cache.keep(mark, known)
	}
	if known.hasExpired(now) {
		v.cache.forget(mark)
		return nil, Expired
	}
	if t.account.revoked.covers(&known.identity, now) {
		return nil, Revoked
	}
	return known.at(now), outcome
}

// seen notes the times of a token that was accepted. None lies beyond what UnixNano can hold: iat is not in the future.
func (l *ledger) seen(v *verdict) {
	if !v.expires.IsZero() {
		raise(&l.farthest, v.expires.Unix())
	}
	if !v.identity.Issued.IsZero() {
		raise(&l.lastIssued, v.identity.Issued.UnixNano())
	}
}

// raise makes most at least as great as value.
func raise(most *atomic.Int64, value int64) {
	for known := most.Load(); value > known && !most.CompareAndSwap(known, value); {
		known = most.Load()
	}
}

// Figures are the counters, for metrics.
func (v *Verifier) Figures() Figures {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := Figures{
		Outcomes:     map[string]map[string]uint64{"": v.strangers.counts.snapshot()},
		CacheEntries: v.cache.size(),
		Revocations:  int(v.revoked.count.Load()),
		Forgotten:    v.revoked.forgotten.Load(),
	}
	for name, account := range v.ledgers {
		f.Outcomes[name] = account.counts.snapshot()
	}
	return f
}

// String keeps the keys within out of logs and messages.
func (v *Verifier) String() string {
	return fmt.Sprintf("[verifier of %d tenants]", len(*v.tenants.Load()))
}
