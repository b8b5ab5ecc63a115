package auth

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// remoteKeySet is a key set at a URL. It belongs to one tenant and to those that replace it under the same name. Each
// new document makes a new tenant.
type remoteKeySet struct {
	// Static.
	url       string
	refresher *jwks.Refresher

	document []byte             // accepted last, nil for none yet; guarded by Verifier.mu
	stop     context.CancelFunc // nil before fetching begins; guarded by Verifier.mu
	loaded   atomic.Bool        // a document was accepted
}

// remoteDocument returns the document at a URL, nil for none yet. The tenant takes over the key set of the tenant
// before.
func (t *tenant) remoteDocument(url string, before *tenant, v *Verifier) ([]byte, error) {
	if url == "" {
		return nil, nil
	}
	for _, known := range []*tenant{t, before} {
		if r := known.findRemoteKeySet(url); r != nil {
			if known != t {
				t.remoteKeySets = append(t.remoteKeySets, r)
			}
			return r.document, nil
		}
	}
	r := &remoteKeySet{url: url}
	var err error
	cfg := jwks.Config{URL: url, Logger: v.log.With("tenant", t.name)}
	r.refresher, err = jwks.New(cfg, func(document []byte) error { return v.acceptDocument(t.name, r, document) })
	if err != nil {
		return nil, fmt.Errorf("jwks_url: %w", err)
	}
	t.remoteKeySets = append(t.remoteKeySets, r)
	return nil, nil
}

// findRemoteKeySet returns the key set at a URL, nil for none. It may be called on a nil tenant.
func (t *tenant) findRemoteKeySet(url string) *remoteKeySet {
	if t != nil {
		for _, r := range t.remoteKeySets {
			if r.url == url {
				return r
			}
		}
	}
	return nil
}

// Start begins to fetch the key sets that have a URL, also those that Reload and SetTenant bring later. Until a key set
// has been fetched, its tokens are refused as Busy. Close stops the fetching.
func (v *Verifier) Start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	v.updateFetching(&tenantTable{}, v.table.Load())
}

// updateFetching fetches for the tenants of now and stops fetching for those that are gone. It is called with mu held.
func (v *Verifier) updateFetching(before, now *tenantTable) {
	for name, t := range before.byName {
		for _, r := range t.remoteKeySets {
			if r.stop != nil && now.byName[name].findRemoteKeySet(r.url) != r {
				r.stop()
			}
		}
	}
	for _, t := range now.byName {
		for _, r := range t.remoteKeySets {
			if v.started && r.stop == nil {
				ctx, stop := context.WithCancel(context.Background())
				r.stop = stop
				r.refresher.Start()
				v.fetching.Go(func() { r.refresher.Run(ctx) })
			}
		}
	}
}

// acceptDocument takes a new document of a tenant's key set, or says why it cannot be used. Connections that the
// earlier keys admitted stay.
func (v *Verifier) acceptDocument(name string, r *remoteKeySet, document []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.table.Load().byName[name].findRemoteKeySet(r.url) != r {
		return nil // no tenant has this key set any more
	}
	last := r.document
	r.document = document
	made, err := v.newTenant(name, v.settings[name])
	if err == nil {
		err = v.replaceTenant(made)
	}
	if err != nil {
		r.document = last
		return err
	}
	r.loaded.Store(true)
	return nil
}

// refetch fetches the key sets of tenants anew, since a token names a key that none of them has, and waits for that. It
// reports whether there may be new keys now.
func refetch(ctx context.Context, tenants []*tenant) (some bool) {
	var fetches []<-chan struct{}
	for _, t := range tenants {
		for _, r := range t.remoteKeySets {
			if fetch := r.refresher.Refetch(); fetch != nil {
				fetches = append(fetches, fetch)
			}
		}
	}
	for _, fetch := range fetches {
		select {
		case <-fetch:
		case <-ctx.Done():
			return false
		}
	}
	return len(fetches) > 0
}

// awaitKeySet reports whether a key set of one of the tenants has not been fetched yet.
func awaitKeySet(tenants []*tenant) bool {
	return slices.ContainsFunc(tenants, func(t *tenant) bool {
		return slices.ContainsFunc(t.remoteKeySets, func(r *remoteKeySet) bool { return !r.loaded.Load() })
	})
}

// maxRefetches is how often a token may wait for a key set: for a fetch that was under way, and for one that began
// later.
const maxRefetches = 2

// verify verifies a token with the keys of the table. If the token names an unknown key, it fetches the key sets and
// tries again with the keys that are there then.
func (v *Verifier) verify(ctx context.Context, first *attempt) (*verifiedToken, Outcome) {
	a := *first
	found, outcome := a.verify()
	for tries := 0; outcome == UnknownKey && tries < maxRefetches; tries++ {
		if !refetch(ctx, a.table.tenantsAt(a.tenant)) {
			break
		}
		a.table = v.table.Load()
		if a.tenant != nil {
			if a.tenant = a.table.byName[a.tenant.name]; a.tenant == nil {
				return nil, UnknownTenant
			}
		}
		found, outcome = a.verify()
	}
	if (outcome == UnknownKey || outcome == BadAlgorithm) && awaitKeySet(a.table.tenantsAt(a.tenant)) {
		outcome = Unavailable
	}
	return found, outcome
}

// warnOfSkippedKeys logs which keys were left out of the tenants that are new in the table.
func (v *Verifier) warnOfSkippedKeys(before, now *tenantTable) {
	for name, t := range now.byName {
		if before.byName[name] == t {
			continue
		}
		for _, warning := range t.warnings {
			v.log.LogAttrs(context.Background(), slog.LevelWarn, "a key of a key set cannot be used and is left out",
				slog.String("tenant", name), slog.String("why", warning))
		}
	}
}

// keySetStats sums up the counters of all of a tenant's key sets; Age is that of the oldest.
func (t *tenant) keySetStats() (all jwks.Stats) {
	for _, r := range t.remoteKeySets {
		s := r.refresher.Stats()
		all.Fetches += s.Fetches
		all.Failures += s.Failures
		all.Age = max(all.Age, s.Age)
	}
	return all
}
