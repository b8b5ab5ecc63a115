package auth

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// remote is a key set at a URL, of one tenant and those that follow it. Its document is put into a new tenant each time
// that it changes.
type remoteKeySet struct {
	// Static.
	url    string
	source *jwks.Refresher

	document []byte             // that was taken last, nil for none yet; guarded by Verifier.mu
	stop     context.CancelFunc // nil before it is fetched; guarded by Verifier.mu
	loaded   atomic.Bool        // there was a document
}

// published is the document at a URL, nil for none yet. The tenant goes on with the source of the tenant before.
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
	r.source, err = jwks.New(jwks.Config{URL: url, Logger: v.log.With("tenant", t.name)}, func(document []byte) error {
		return v.acceptDocument(t.name, r, document)
	})
	if err != nil {
		return nil, fmt.Errorf("jwks_url: %w", err)
	}
	t.remoteKeySets = append(t.remoteKeySets, r)
	return nil, nil
}

// remote finds the key set at a URL, nil for none.
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

// Start begins to fetch the key sets that have a URL, those of now and those that Reload and SetTenant bring. Until a
// set has come its tokens are refused as Busy. Close ends it.
func (v *Verifier) Start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	v.updateFetching(&tenantTable{}, v.table.Load())
}

// follow fetches for the tenants of now, and no more for those that only were before. It is called with mu held.
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
				r.source.Start()
				v.fetching.Go(func() { r.source.Run(ctx) })
			}
		}
	}
}

// publish takes a new document of a tenant's key set, if it can be used. Connections that the keys of before let in
// stay.
func (v *Verifier) acceptDocument(name string, r *remoteKeySet, document []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.table.Load().byName[name].findRemoteKeySet(r.url) != r {
		return nil // it is nobody's any more
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

// refetch has key sets fetched since a token names a key that none of the tenants has, and waits for that. It reports
// whether there may be new keys now.
func (*Verifier) refetch(ctx context.Context, asked []*tenant) (some bool) {
	var flights []<-chan struct{}
	for _, t := range asked {
		for _, r := range t.remoteKeySets {
			if flight := r.source.Refetch(); flight != nil {
				flights = append(flights, flight)
			}
		}
	}
	for _, flight := range flights {
		select {
		case <-flight:
		case <-ctx.Done():
			return false
		}
	}
	return len(flights) > 0
}

// lacks reports whether a key set of one of the tenants has not come yet.
func awaitKeySet(asked []*tenant) bool {
	return slices.ContainsFunc(asked, func(t *tenant) bool {
		return slices.ContainsFunc(t.remoteKeySets, func(r *remoteKeySet) bool { return !r.loaded.Load() })
	})
}

// maxRefetches is how often a token may wait for a key set: for a fetch that was under way, and for one that began
// later.
const maxRefetches = 2

// verify checks a token by the keys of now, and by those that are fetched for it if it names one that is not there.
func (v *Verifier) verify(ctx context.Context, r *tenantTable, at *tenant, credential *protocol.Credential,
	now time.Time) (*verifiedToken, Outcome) {
	found, outcome := r.verify(at, credential, now)
	for tries := 0; outcome == UnknownKey && tries < maxRefetches && v.refetch(ctx, r.tenantsAt(at)); tries++ {
		r = v.table.Load()
		if at != nil {
			if at = r.byName[at.name]; at == nil {
				return nil, UnknownTenant
			}
		}
		found, outcome = r.verify(at, credential, now)
	}
	if (outcome == UnknownKey || outcome == BadAlgorithm) && awaitKeySet(r.tenantsAt(at)) {
		outcome = Unavailable
	}
	return found, outcome
}

// warn tells which keys were left out of the tenants that are new.
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

// keySets are the figures of all of a tenant's key sets together; Age is that of the oldest.
func (t *tenant) keySetStats() (all jwks.Stats) {
	for _, r := range t.remoteKeySets {
		f := r.source.Stats()
		all.Fetches += f.Fetches
		all.Failures += f.Failures
		all.Age = max(all.Age, f.Age)
	}
	return all
}
