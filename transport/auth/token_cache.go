package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// credentialHash stands for a token or cookie together with the tenant that was asked for and the dialect's rules.
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

// hashRules stands for the rules of a dialect.
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

// tokenCache holds verified tokens and evicts the least recently used one. It holds no refusals: otherwise a client
// that sends garbage could evict what is worth keeping.
//
// Every client has a token of its own, so this is memory per client: a cached token has 144 bytes and its place in the
// map 25, half of what a verifiedToken in a general LRU takes up.
type tokenCache struct {
	mu       sync.Mutex
	entries  map[uint64]*cachedToken // by the beginning of the hash; guarded by mu, as all below
	recent   cachedToken             // root of the list: next is the most recently used, prev the least
	capacity int                     // static
}

// cachedToken is a verifiedToken in fewer bytes.
type cachedToken struct {
	hash            credentialHash
	next, prev      *cachedToken
	tenant          *tenant
	user, tokenID   string
	topics          []protocol.Pattern
	issued, expires int64 // Unix seconds
	// The fractions of both, in nanoseconds.
	issuedPart, expiresPart int32
	key                     protocol.KeyFingerprint
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

func (h *credentialHash) mapKey() uint64 { return binary.LittleEndian.Uint64(h[:]) }

// get returns the verified token, nil if it is not there or was verified with keys that are not in the table any more.
func (c *tokenCache) get(hash credentialHash, table *tenantTable) *verifiedToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[hash.mapKey()]
	if e == nil || e.hash != hash {
		return nil
	}
	e.unlink()
	e.link(&c.recent)
	if table.byName[e.tenant.name] != e.tenant {
		return nil
	}
	return e.verifiedToken()
}

// put adds a token. If another token's hash begins with the same eight bytes, that one is evicted.
func (c *tokenCache) put(hash credentialHash, v *verifiedToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[hash.mapKey()]; e != nil {
		c.removeEntry(e)
	}
	if len(c.entries) >= c.capacity {
		c.removeEntry(c.recent.prev)
	}
	e := newCachedToken(v)
	e.hash = hash
	c.entries[hash.mapKey()] = e
	e.link(&c.recent)
}

func (c *tokenCache) remove(hash credentialHash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[hash.mapKey()]; e != nil && e.hash == hash {
		c.removeEntry(e)
	}
}

// removeStale removes the tokens whose tenant was replaced. get ignores them anyway; this frees their memory.
func (c *tokenCache) removeStale(table *tenantTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if table.byName[e.tenant.name] != e.tenant {
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

// link puts the entry behind another one; unlink takes it out.
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
