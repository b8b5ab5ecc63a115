package limit

import (
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Unauthenticated bounds the connections that have not logged in, of all tenants together and of one address. A
// connection whose credential came with the handshake does not count; another counts until it has logged in or ends,
// and its dialect's Limits.Login says how long that may take. Many goroutines may use it at once; it blocks for a short
// lock only.
type Unauthenticated struct {
	most, perAddress int // static; 0 is no limit

	mu        sync.Mutex
	count     int
	byAddress map[string]int // by network, without zeros, so that there are at most count entries
}

// retryUnauthenticated is when a client over the limit may come back: by then others have logged in or were closed.
const retryUnauthenticated = 5 * time.Second

// NewUnauthenticated makes a bound on all of them, and on those of one address; 0 is no limit.
func NewUnauthenticated(most, perAddress int) *Unauthenticated {
	return &Unauthenticated{most: most, perAddress: perAddress}
}

// Admit returns nil if one more may come, and otherwise the refusal: Busy for the bound on all, TooMany for that on one
// address. It counts nothing. proxied says that many clients have the address.
func (u *Unauthenticated) Admit(address string, proxied bool, asked *decision.Record) *protocol.Refusal {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.roomFor(u.key(address, proxied), asked)
}

// roomFor is Admit for the key of an address. The caller holds the lock.
func (u *Unauthenticated) roomFor(key string, asked *decision.Record) (err *protocol.Refusal) {
	full, many := u.most > 0 && u.count >= u.most, key != "" && u.perAddress > 0 && u.byAddress[key] >= u.perAddress
	if asked.Number(decision.Unauthenticated, u.most, !full); !full {
		asked.Number(decision.UnauthenticatedPerAddress, u.perAddress, !many)
	}
	switch {
	case full:
		err = protocol.Refuse(protocol.Busy,
			"%d connections have not said who they are, which is the limit (engine.unauthenticated)", u.count)
		err.Rule = "unauthenticated"
	case many:
		err = protocol.Refuse(protocol.TooMany, "%d connections of this address have not said who they are, "+
			"which is the limit (engine.unauthenticated_per_address)", u.perAddress)
		err.Rule = "unauthenticated_per_address"
	default:
		return nil
	}
	err.RetryAfter = retryUnauthenticated
	return err
}

// Take is Admit, and counts the connection if it is admitted.
func (u *Unauthenticated) Take(address string, proxied bool) *protocol.Refusal {
	key := u.key(address, proxied)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.roomFor(key, nil); err != nil {
		return err
	}
	u.count++
	if key != "" {
		if u.byAddress == nil {
			u.byAddress = map[string]int{}
		}
		u.byAddress[key]++
	}
	return nil
}

// Leave takes one connection that Take counted off the count, since it has logged in or ended.
func (u *Unauthenticated) Leave(address string, proxied bool) {
	key := u.key(address, proxied)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count--
	switch {
	case key == "":
	case u.byAddress[key] > 1:
		u.byAddress[key]--
	default:
		delete(u.byAddress, key)
	}
}

// Counted returns how many connections count, and from how many networks they come.
func (u *Unauthenticated) Counted() (connections, addresses int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count, len(u.byAddress)
}

// key returns what an address counts as: "", which has no limit, for a proxy that brings the connections of many
// clients and is not trusted to say whose.
func (u *Unauthenticated) key(address string, proxied bool) string {
	if proxied || address == "" {
		return ""
	}
	return Network(address)
}
