package auth

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// TicketLife is how long a ticket waits to be used.
const TicketLife = 30 * time.Second

// ticketBytes is the number of random bytes in a ticket; ticketLength is their length in base64url.
const (
	ticketBytes  = 32
	ticketLength = 43
)

// Tickets issues and redeems single-use credentials: a client that has a token gets a ticket by a call, and shows it
// where a token would end up in logs. A ticket is good once, within TicketLife, in the tenant of its token, and only as
// long as the token is: until the token expires or is revoked, or its key is removed. A dialect takes tickets that were
// issued under its own rules. A connection that a ticket opens has the token's identity, and ends with the token.
// Tickets keeps hashes, not the tickets, and only in this process: a client must show its ticket to the node that
// issued it. The methods may be called from many goroutines at once.
type Tickets struct {
	// Static after construction.
	now   func() time.Time
	bound int

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*list.Element // guarded by mu
	queues map[string]*list.List               // of *ticket by tenant, the oldest first; guarded by mu
	lost   uint64                              // dropped before their time; guarded by mu
}

// ticket is a ticket that was issued and not redeemed.
type ticket struct {
	hash     [sha256.Size]byte
	tenant   string
	identity protocol.Identity
	rules    credentialHash // under which its token was checked
	until    time.Time
}

func newTickets(bound int, now func() time.Time) *Tickets {
	return &Tickets{now: now, bound: bound, byHash: map[[sha256.Size]byte]*list.Element{},
		queues: map[string]*list.List{}}
}

// Issue makes a ticket for the identity of a token in the tenant. rules are those under which the token was checked,
// and must be those of the dialect to which the ticket will be shown. The error is a protocol.Refusal, Unauthorized, if
// the identity has no user. When there are as many tickets as the bound allows, the tenant that has most loses its
// oldest.
func (s *Tickets) Issue(tenant string, id *protocol.Identity, rules protocol.Claims) (string, error) {
	if id == nil || id.User == "" {
		return "", &protocol.Refusal{Reason: protocol.Unauthorized}
	}
	if id.Tenant != "" { // the token was shown to UnresolvedTenant
		tenant = id.Tenant
	}
	var secret [ticketBytes]byte
	_, _ = rand.Read(secret[:]) // it never fails
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	now := s.now()
	t := &ticket{hash: sha256.Sum256([]byte(text)), tenant: tenant, identity: *id, rules: hashRules(&rules),
		until: now.Add(TicketLife)}
	t.identity.Tenant = ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(now)
	queue := s.queues[tenant]
	if queue == nil {
		queue = list.New()
		s.queues[tenant] = queue
	}
	s.byHash[t.hash] = queue.PushBack(t)
	return text, nil
}

// makeRoom drops a ticket if there is no room for one more: expired ones first. It is called with mu held.
func (s *Tickets) makeRoom(now time.Time) {
	if len(s.byHash) < s.bound {
		return
	}
	var largest *list.List
	for _, queue := range s.queues {
		for first := queue.Front(); first != nil && !now.Before(first.Value.(*ticket).until); first = queue.Front() {
			s.remove(first)
		}
		if largest == nil || queue.Len() > largest.Len() {
			largest = queue
		}
	}
	if len(s.byHash) >= s.bound {
		s.remove(largest.Front())
		s.lost++
	}
}

// remove is called with mu held.
func (s *Tickets) remove(e *list.Element) *ticket {
	t := e.Value.(*ticket)
	delete(s.byHash, t.hash)
	queue := s.queues[t.tenant]
	queue.Remove(e)
	if queue.Len() == 0 {
		delete(s.queues, t.tenant)
	}
	return t
}

// redeem uses a ticket up, if admits takes its tenant; with asking it only looks. A ticket that is shown elsewhere
// stays good where it belongs.
func (s *Tickets) redeem(text string, admits func(tenant string) bool, asking bool) *ticket {
	if len(text) != ticketLength {
		return nil
	}
	hash := sha256.Sum256([]byte(text))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[hash]
	if e == nil || !admits(e.Value.(*ticket).tenant) {
		return nil
	}
	t := e.Value.(*ticket)
	if !asking {
		s.remove(e)
	}
	if now.Before(t.until) {
		return t
	}
	return nil
}

// stats returns how many tickets wait to be used now, and how many were dropped before their time.
func (s *Tickets) stats() (now int, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byHash), s.lost
}

// String keeps even the hashes out of logs.
func (s *Tickets) String() string { return "[tickets]" }

// check redeems a ticket. The identity is that of the token for which the ticket was issued; the token's key must
// still be there.
func (s *Tickets) check(a *attempt) (authResult, Outcome) {
	if a.credential.For != "" {
		return a.refuse(decision.TokenForm, BadTicket)
	}
	var owner *tenant
	admits := func(tenant string) bool {
		owner = a.table.byName[tenant]
		return owner != nil && (owner == a.tenant || a.tenant == nil && owner.allowUnresolved)
	}
	found := s.redeem(a.credential.Token, admits, a.asked != nil)
	if found == nil {
		return a.refuse(decision.TokenForm, BadTicket)
	}
	id, signed := found.identity, found.identity.Key != protocol.KeyFingerprint{}
	switch {
	case !a.asked.Step(decision.TokenPurpose, found.rules == hashRules(&a.credential.Claims)):
		return authResult{tenant: owner}, BadTicket
	case !a.asked.Step(decision.TokenKey, !signed || owner.hasKey(id.Key)):
		return authResult{tenant: owner}, BadTicket
	case !a.asked.Step(decision.TokenExpiry, id.Expires.IsZero() || a.now.Before(id.Expires)):
		return authResult{tenant: owner}, Expired
	}
	return authResult{tenant: owner, identity: &id}, Accepted
}
