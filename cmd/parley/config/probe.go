package config

import (
	"context"
	"fmt"
	"sync"

	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// Probe fetches each key set that has a URL, all at once, and warns of those that cannot be had now or hold what cannot
// be used. It takes some seconds at most. Load fetches nothing.
func (l *Result) Probe(ctx context.Context) Problems {
	var all Problems
	var mu sync.Mutex
	var probing sync.WaitGroup
	for i := range l.Config.Tenants {
		for j := range l.Config.Tenants[i].Keys {
			k := &l.Config.Tenants[i].Keys[j]
			if k.JWKSURL == "" {
				continue
			}
			probing.Go(func() {
				found := probe(ctx, k)
				mu.Lock()
				defer mu.Unlock()
				for _, text := range found {
					all = append(all, l.locator.problem(fmt.Sprintf("tenants[%d].keys[%d].jwks_url", i, j), text))
				}
			})
		}
	}
	probing.Wait()
	return all.sorted()
}

// probe returns what is wrong with the key set at a URL now.
func probe(ctx context.Context, k *Key) (warnings []string) {
	document, err := jwks.Fetch(ctx, jwks.Config{URL: k.JWKSURL})
	if err != nil {
		return []string{"cannot be fetched now: " + err.Error()}
	}
	left, err := auth.CheckSet(document)
	for _, text := range left {
		warnings = append(warnings, "left out: "+text)
	}
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	return warnings
}
