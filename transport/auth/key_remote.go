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

	document []byte             // accepted last, nil for none yet; guarded by tenantRegistry.mu
	stop     context.CancelFunc // nil before fetching begins; guarded by tenantRegistry.mu
	loaded   atomic.Bool        // a document was accepted
}

// newRemoteKeySet makes the key set at a URL. accept takes each new document; its error says why it cannot be used.
func newRemoteKeySet(
	url string, log *slog.Logger, accept func(set *remoteKeySet, document []byte) error,
) (*remoteKeySet, error) {
	r := &remoteKeySet{url: url}
	var err error
	r.refresher, err = jwks.New(jwks.Config{URL: url, Logger: log},
		func(document []byte) error { return accept(r, document) })
	if err != nil {
		return nil, fmt.Errorf("jwks_url: %w", err)
	}
	return r, nil
}

// remoteKeySets are the key sets of one tenant.
type remoteKeySets []*remoteKeySet

// find returns the key set at a URL, nil for none.
func (s remoteKeySets) find(url string) *remoteKeySet {
	for _, r := range s {
		if r.url == url {
			return r
		}
	}
	return nil
}

// stats sums up the counters of all key sets; Age is that of the oldest.
func (s remoteKeySets) stats() (all jwks.Stats) {
	for _, r := range s {
		one := r.refresher.Stats()
		all.Fetches += one.Fetches
		all.Failures += one.Failures
		all.Age = max(all.Age, one.Age)
	}
	return all
}

// refetch fetches the key sets of tenants anew, since a token names a key that none of them has, and waits for that. It
// reports whether there may be new keys now.
func refetch(ctx context.Context, tenants []*tenant) (some bool) {
	var fetches []<-chan struct{}
	for _, t := range tenants {
		for _, r := range t.remote {
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
		return slices.ContainsFunc(t.remote, func(r *remoteKeySet) bool { return !r.loaded.Load() })
	})
}
