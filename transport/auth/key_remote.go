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
type remote struct {
	// Static.
	url    string
	source *jwks.Source

	document []byte             // that was taken last, nil for none yet; guarded by Verifier.mu
	stop     context.CancelFunc // nil before it is fetched; guarded by Verifier.mu
	come     atomic.Bool        // there was a document
}

// published is the document at a URL, nil for none yet. The tenant goes on with the source of the tenant before.
func (t *tenant) published(url string, before *tenant, v *Verifier) ([]byte, error) {
	if url == "" {
		return nil, nil
	}
	for _, known := range []*tenant{t, before} {
		if r := known.remote(url); r != nil {
			if known != t {
				t.remotes = append(t.remotes, r)
			}
			return r.document, nil
		}
	}
	r := &remote{url: url}
	var err error
	r.source, err = jwks.New(jwks.Config{URL: url, Logger: v.log.With("tenant", t.name)}, func(document []byte) error {
		return v.publish(t.name, r, document)
	})
	if err != nil {
		return nil, fmt.Errorf("jwks_url: %w", err)
	}
	t.remotes = append(t.remotes, r)
	return nil, nil
}

// remote finds the key set at a URL, nil for none.
func (t *tenant) remote(url string) *remote {
	if t != nil {
		for _, r := range t.remotes {
			if r.url == url {
				return r
			}
		}
	}
	return nil
}

// Start begins to fetch the key sets that have a URL, those of now and those that Reload and SetTenant bring. Until a set has
// come its tokens are refused as Busy. Close ends it.
func (v *Verifier) Start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	v.follow(&roster{}, v.roster.Load())
}

// follow fetches for the tenants of now, and no more for those that only were before. It is called with mu held.
func (v *Verifier) follow(before, now *roster) {
	for name, t := range before.byName {
		for _, r := range t.remotes {
			if r.stop != nil && now.byName[name].remote(r.url) != r {
				r.stop()
			}
		}
	}
	for _, t := range now.byName {
		for _, r := range t.remotes {
			if v.started && r.stop == nil {
				ctx, stop := context.WithCancel(context.Background())
				r.stop = stop
				r.source.Start()
				v.fetching.Go(func() { r.source.Run(ctx) })
			}
		}
	}
}

// publish takes a new document of a tenant's key set, if it can be used. Connections that the keys of before let in stay.
func (v *Verifier) publish(name string, r *remote, document []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.roster.Load().byName[name].remote(r.url) != r {
		return nil // it is nobody's any more
	}
	last := r.document
	r.document = document
	made, err := v.newTenant(name, v.settings[name])
	if err == nil {
		err = v.replaceOne(made)
	}
	if err != nil {
		r.document = last
		return err
	}
	r.come.Store(true)
	return nil
}

// refetch has key sets fetched since a token names a key that none of the tenants has, and waits for that. It reports
// whether there may be new keys now.
func (*Verifier) refetch(ctx context.Context, asked []*tenant) (some bool) {
	var flights []<-chan struct{}
	for _, t := range asked {
		for _, r := range t.remotes {
			if flight := r.source.Ask(); flight != nil {
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
func lacks(asked []*tenant) bool {
	return slices.ContainsFunc(asked, func(t *tenant) bool {
		return slices.ContainsFunc(t.remotes, func(r *remote) bool { return !r.come.Load() })
	})
}

// maxRefetches is how often a token may wait for a key set: for a fetch that was under way, and for one that began later.
const maxRefetches = 2

// verify checks a token by the keys of now, and by those that are fetched for it if it names one that is not there.
func (v *Verifier) verify(ctx context.Context, r *roster, at *tenant, shown *protocol.Credential, now time.Time) (*verdict, Outcome) {
	found, outcome := r.verify(at, shown, now)
	for tries := 0; outcome == UnknownKey && tries < maxRefetches && v.refetch(ctx, r.askedAt(at)); tries++ {
		r = v.roster.Load()
		if at != nil {
			if at = r.byName[at.name]; at == nil {
				return nil, UnknownTenant
			}
		}
		found, outcome = r.verify(at, shown, now)
	}
	if (outcome == UnknownKey || outcome == BadAlgorithm) && lacks(r.askedAt(at)) {
		outcome = Unavailable
	}
	return found, outcome
}

// warn tells which keys were left out of the tenants that are new.
func (v *Verifier) warn(before, now *roster) {
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
func (t *tenant) keySets() (all jwks.Figures) {
	for _, r := range t.remotes {
		f := r.source.Figures()
		all.Fetches += f.Fetches
		all.Failures += f.Failures
		all.Age = max(all.Age, f.Age)
	}
	return all
}
