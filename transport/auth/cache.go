package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/parley-realtime/parley/protocol"
)

// fingerprint stands for a token or cookie, where it was shown (a tenant, or the lobby) and the rules it was checked by.
type fingerprint [sha256.Size]byte

var scratch = sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}

func fingerprintOf(tenant string, shown *protocol.Credential) fingerprint {
	buffer := scratch.Get().(*[]byte)
	b := appendText(appendText((*buffer)[:0], tenant), string(shown.Form))
	rules := &shown.Claims
	for _, list := range [...][]string{rules.User, rules.Require, rules.Refuse} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, text := range list {
			b = appendText(b, text)
		}
	}
	b = append(b, shown.Token...)
	sum := sha256.Sum256(b)
	clear(b) // it held a secret
	*buffer = b
	scratch.Put(buffer)
	return sum
}

// appendText puts the length first, so that no two lists of texts look alike.
func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// cache remembers verified tokens, the one not used for longest goes first. Refusals are not remembered: that would let
// whoever sends garbage push out what is worth keeping.
type cache struct {
	mu      sync.Mutex
	entries *simplelru.LRU[fingerprint, *verdict] // guarded by mu
}

func newCache(size int) (*cache, error) {
	entries, err := simplelru.NewLRU[fingerprint, *verdict](size, nil)
	return &cache{entries: entries}, err
}

// find returns the verdict on a token, nil if there is none by the keys of now.
func (c *cache) find(f fingerprint, now *roster) *verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.entries.Get(f)
	if !ok || now.byName[found.tenant.name] != found.tenant {
		return nil
	}
	return found
}

func (c *cache) keep(f fingerprint, v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Add(f, v)
}

func (c *cache) forget(f fingerprint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(f)
}

// sweep lets go of all verdicts by keys that are no longer those of their tenant. find does not need it; memory does.
func (c *cache) sweep(now *roster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.entries.Keys() {
		if v, ok := c.entries.Peek(f); ok && now.byName[v.tenant.name] != v.tenant {
			c.entries.Remove(f)
		}
	}
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries.Len()
}
