package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
)

// MaxAPIKey bounds an API key, in bytes.
const MaxAPIKey = 512

// APIKeys tells which tenant's backend shows a key. It keeps hashes, not keys. Its methods may be called from many
// goroutines at once.
type APIKeys struct {
	entries atomic.Pointer[[]apiKey] // replaced as a whole
}

type apiKey struct {
	hash   [sha256.Size]byte
	tenant string
}

// NewAPIKeys takes the keys by tenant. A tenant may have several, so that one can be replaced without a gap.
func NewAPIKeys(tenants map[string][]string) (*APIKeys, error) {
	a := &APIKeys{}
	if err := a.Reload(tenants); err != nil {
		return nil, err
	}
	return a, nil
}

// Reload replaces all keys at once. If anything is wrong, nothing changes, and the error names all of it.
func (a *APIKeys) Reload(tenants map[string][]string) error {
	var entries []apiKey
	var problems []error
	owners := map[[sha256.Size]byte]string{}
	for _, tenant := range slices.Sorted(maps.Keys(tenants)) {
		for i, text := range tenants[tenant] {
			hash := sha256.Sum256([]byte(text))
			owner, taken := owners[hash]
			switch {
			case text == "" || len(text) > MaxAPIKey:
				problems = append(problems, fmt.Errorf("tenant %s: API key %d has %d bytes; 1 to %d are allowed",
					protocol.Quote(tenant), i+1, len(text), MaxAPIKey))
				continue
			case taken && owner != tenant:
				problems = append(problems, fmt.Errorf("tenant %s: API key %d is one of tenant %s, too; "+
					"a key must say which tenant calls", protocol.Quote(tenant), i+1, protocol.Quote(owner)))
				continue
			case taken:
				continue
			}
			owners[hash] = tenant
			entries = append(entries, apiKey{hash, tenant})
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	a.entries.Store(&entries)
	return nil
}

// Tenant returns the tenant whose key this is. The time that it takes says nothing about the keys: it compares hashes,
// each in constant time, and always all of them.
func (a *APIKeys) Tenant(key string) (string, bool) {
	if key == "" || len(key) > MaxAPIKey {
		return "", false
	}
	hash := sha256.Sum256([]byte(key))
	entries := *a.entries.Load()
	found := -1
	for i := range entries {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], entries[i].hash[:]), i, found)
	}
	if found < 0 {
		return "", false
	}
	return entries[found].tenant, true
}

// String keeps even the hashes out of logs.
func (a *APIKeys) String() string { return "[API keys]" }
