package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// fingerprint stands for a token or cookie, where it was shown (a tenant, or the lobby) and the rules it was checked
// by.
type credentialHash [sha256.Size]byte

var scratch = sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}

func hashCredential(tenant string, credential *protocol.Credential) credentialHash {
	buffer := scratch.Get().(*[]byte)
	b := appendRules(appendText(appendText((*buffer)[:0], tenant), string(credential.Form)), &credential.Claims)
	b = append(b, credential.Token...)
	sum := sha256.Sum256(b)
	clear(b) // it held a secret
	*buffer = b
	scratch.Put(buffer)
	return sum
}

// rulesOf stands for the rules of a dialect.
func hashRules(rules *protocol.Claims) credentialHash { return sha256.Sum256(appendRules(nil, rules)) }

func appendRules(b []byte, rules *protocol.Claims) []byte {
	for _, list := range [...][]string{rules.User, rules.Require, rules.Refuse} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, text := range list {
			b = appendText(b, text)
		}
	}
	return b
}

// appendText puts the length first, so that no two lists of texts look alike.
func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// cache remembers verified tokens, the one not used for longest goes first. Refusals are not remembered: that would let
// whoever sends garbage push out what is worth keeping.
//
// Every client has a token of its own, so this is memory per client: what is remembered of a token has 144 bytes and
// its place in the map 25, half of what a verdict in a general LRU takes up.
type tokenCache struct {
	mu       sync.Mutex
	entries  map[uint64]*cachedToken // by the beginning of the fingerprint; guarded by mu, as all below
	recent   cachedToken             // the ring of all: next is the one used last, before the one not used for longest
	capacity int                     // static
}

// remembered is a verdict in short.
type cachedToken struct {
	hash            credentialHash
	next, prev      *cachedToken
	tenant          *tenant
	user, tokenID   string
	topics          []protocol.Pattern
	issued, expires int64 // Unix seconds
	// The fractions of both, in nanoseconds.
	issuedPart, expiresPart int32
	key                     protocol.KeyFingerprint // of the tenant
	session                 bool
}

func newTokenCache(size int) (*tokenCache, error) {
	if size < 1 {
		return nil, fmt.Errorf("a cache of %d tokens; it needs room for one", size)
	}
	c := &tokenCache{entries: map[uint64]*cachedToken{}, capacity: size}
	c.recent.next, c.recent.prev = &c.recent, &c.recent
	return c, nil
}

func (f *credentialHash) mapKey() uint64 { return binary.LittleEndian.Uint64(f[:]) }

// find returns the verdict on a token, nil if there is none by the keys of now.
func (c *tokenCache) get(f credentialHash, now *tenantTable) *verifiedToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[f.mapKey()]
	if e == nil || e.hash != f {
		return nil
	}
	e.unlink()
	e.link(&c.recent)
	if now.byName[e.tenant.name] != e.tenant {
		return nil
	}
	return e.verifiedToken()
}

// keep remembers a verdict. Should the fingerprint of another token begin with the same eight bytes, that one is
// forgotten.
func (c *tokenCache) put(f credentialHash, v *verifiedToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[f.mapKey()]; e != nil {
		c.removeEntry(e)
	}
	if len(c.entries) >= c.capacity {
		c.removeEntry(c.recent.prev)
	}
	e := newCachedToken(v)
	e.hash = f
	c.entries[f.mapKey()] = e
	e.link(&c.recent)
}

func (c *tokenCache) remove(f credentialHash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[f.mapKey()]; e != nil && e.hash == f {
		c.removeEntry(e)
	}
}

// sweep lets go of all verdicts by keys that are no longer those of their tenant. find does not need it; memory does.
func (c *tokenCache) removeStale(now *tenantTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if now.byName[e.tenant.name] != e.tenant {
			c.removeEntry(e)
		}
	}
}

func (c *tokenCache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

func (c *tokenCache) removeEntry(e *cachedToken) {
	delete(c.entries, e.hash.mapKey())
	e.unlink()
}

// link puts the entry behind another one, unlink takes it out.
func (e *cachedToken) link(behind *cachedToken) {
	e.prev, e.next = behind, behind.next
	e.prev.next, e.next.prev = e, e
}

func (e *cachedToken) unlink() { e.prev.next, e.next.prev = e.next, e.prev }

func newCachedToken(v *verifiedToken) *cachedToken {
	id := &v.identity
	return &cachedToken{
		tenant: v.tenant, user: id.User, tokenID: id.TokenID, key: id.Key, topics: id.Topics, session: v.session,
		issued: id.Issued.Unix(), issuedPart: int32(id.Issued.Nanosecond()),
		expires: v.expires.Unix(), expiresPart: int32(v.expires.Nanosecond()),
	}
}

func (e *cachedToken) verifiedToken() *verifiedToken {
	return &verifiedToken{
		tenant: e.tenant, session: e.session, expires: time.Unix(e.expires, int64(e.expiresPart)).UTC(),
		identity: protocol.Identity{User: e.user, TokenID: e.tokenID, Key: e.key, Topics: e.topics,
			Issued: time.Unix(e.issued, int64(e.issuedPart)).UTC()},
	}
}
