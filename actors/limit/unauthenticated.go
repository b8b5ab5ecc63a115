package limit

import (
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// unauthenticated bounds the connections that have not said who they are, of all tenants together and of one address.
// Those whose credential came with the handshake are none of them; the others are until their login holds or they end,
// and their dialect's Limits.Login says how long that may take.
type Unauthenticated struct {
	most, perAddress int // static; 0 is no limit

	mu        sync.Mutex
	count     int
	byAddress map[string]int // by network; none is 0, so there are at most count of them
}

// retryUnauthenticated is when a client that was one too many may come back: by then some have logged in or were closed.
const retryUnauthenticated = 5 * time.Second

// key is what an address counts as. A proxy that brings the connections of many clients, and is not trusted to say whose,
// counts for no address.
func (u *Unauthenticated) key(address string, proxied bool) string {
	if proxied || address == "" {
		return ""
	}
	return Network(address)
}

// NewUnauthenticated bounds all of them, and those of one address; 0 is no limit.
func NewUnauthenticated(most, perAddress int) *Unauthenticated {
	return &Unauthenticated{most: most, perAddress: perAddress}
}

// Admit says whether one more may come; nil admits. It counts nothing. proxied says that the address is that of many
// clients.
func (u *Unauthenticated) Admit(address string, proxied bool) *protocol.Refusal {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.room(u.key(address, proxied))
}

// room says whether one more may come. It is called with mu held.
func (u *Unauthenticated) room(key string) (why *protocol.Refusal) {
	switch {
	case u.most > 0 && u.count >= u.most:
		why = protocol.Refuse(protocol.Busy, "%d connections have not said who they are, which is the limit (engine.unauthenticated)", u.count)
	case key != "" && u.perAddress > 0 && u.byAddress[key] >= u.perAddress:
		why = protocol.Refuse(protocol.TooMany, "%d connections of this address have not said who they are, which is the limit (engine.unauthenticated_per_address)", u.perAddress)
	default:
		return nil
	}
	why.RetryAfter = retryUnauthenticated
	return why
}

// take counts one more, unless there is no room for it.
func (u *Unauthenticated) Take(address string, proxied bool) *protocol.Refusal {
	key := u.key(address, proxied)
	u.mu.Lock()
	defer u.mu.Unlock()
	if why := u.room(key); why != nil {
		return why
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

// leave takes one off the count: it has said who it is, or has ended.
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

// Counted is how many connections count, and of how many addresses they are.
func (u *Unauthenticated) Counted() (connections, addresses int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count, len(u.byAddress)
}
