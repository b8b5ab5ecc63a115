package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// fingerprint stands for a token or cookie, where it was shown (a tenant, or the lobby) and the rules it was checked by.
type fingerprint [sha256.Size]byte

var scratch = sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}

func fingerprintOf(tenant string, shown *protocol.Credential) fingerprint {
	buffer := scratch.Get().(*[]byte)
	b := appendRules(appendText(appendText((*buffer)[:0], tenant), string(shown.Form)), &shown.Claims)
	b = append(b, shown.Token...)
	sum := sha256.Sum256(b)
	clear(b) // it held a secret
	*buffer = b
	scratch.Put(buffer)
	return sum
}

// rulesOf stands for the rules of a dialect.
func rulesOf(rules *protocol.Claims) fingerprint { return sha256.Sum256(appendRules(nil, rules)) }

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
// Every client has a token of its own, so this is memory per client: what is remembered of a token has 144 bytes and its
// place in the map 25, half of what a verdict in a general LRU takes up.
type cache struct {
	mu      sync.Mutex
	entries map[uint64]*remembered // by the beginning of the fingerprint; guarded by mu, as all below
	order   remembered             // the ring of all: next is the one used last, before the one not used for longest
	most    int                    // static
}

// remembered is a verdict in short.
type remembered struct {
	mark            fingerprint
	next, before    *remembered
	tenant          *tenant
	user, tokenID   string
	topics          []protocol.Pattern
	issued, expires int64 // Unix seconds
	// The fractions of both, in nanoseconds.
	issuedPart, expiresPart int32
	key                     protocol.KeyFingerprint // of the tenant
	session                 bool
}

func newCache(size int) (*cache, error) {
	if size < 1 {
		return nil, fmt.Errorf("a cache of %d tokens; it needs room for one", size)
	}
	c := &cache{entries: map[uint64]*remembered{}, most: size}
	c.order.next, c.order.before = &c.order, &c.order
	return c, nil
}

func (f *fingerprint) place() uint64 { return binary.LittleEndian.Uint64(f[:]) }

// find returns the verdict on a token, nil if there is none by the keys of now.
func (c *cache) find(f fingerprint, now *roster) *verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[f.place()]
	if e == nil || e.mark != f {
		return nil
	}
	e.unlink()
	e.link(&c.order)
	if now.byName[e.tenant.name] != e.tenant {
		return nil
	}
	return e.verdict()
}

// keep remembers a verdict. Should the fingerprint of another token begin with the same eight bytes, that one is forgotten.
func (c *cache) keep(f fingerprint, v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[f.place()]; e != nil {
		c.drop(e)
	}
	if len(c.entries) >= c.most {
		c.drop(c.order.before)
	}
	e := shorten(v)
	e.mark = f
	c.entries[f.place()] = e
	e.link(&c.order)
}

func (c *cache) forget(f fingerprint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[f.place()]; e != nil && e.mark == f {
		c.drop(e)
	}
}

// sweep lets go of all verdicts by keys that are no longer those of their tenant. find does not need it; memory does.
func (c *cache) sweep(now *roster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if now.byName[e.tenant.name] != e.tenant {
			c.drop(e)
		}
	}
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

func (c *cache) drop(e *remembered) {
	delete(c.entries, e.mark.place())
	e.unlink()
}

// link puts the entry behind another one, unlink takes it out.
func (e *remembered) link(behind *remembered) {
	e.before, e.next = behind, behind.next
	e.before.next, e.next.before = e, e
}

func (e *remembered) unlink() { e.before.next, e.next.before = e.next, e.before }

func shorten(v *verdict) *remembered {
	id := &v.identity
	return &remembered{
		tenant: v.tenant, user: id.User, tokenID: id.TokenID, key: id.Key, topics: id.Topics, session: v.session,
		issued: id.Issued.Unix(), issuedPart: int32(id.Issued.Nanosecond()),
		expires: v.expires.Unix(), expiresPart: int32(v.expires.Nanosecond()),
	}
}

func (e *remembered) verdict() *verdict {
	return &verdict{
		tenant: e.tenant, session: e.session, expires: time.Unix(e.expires, int64(e.expiresPart)).UTC(),
		identity: protocol.Identity{User: e.user, TokenID: e.tokenID, Key: e.key, Topics: e.topics, Issued: time.Unix(e.issued, int64(e.issuedPart)).UTC()},
	}
}
