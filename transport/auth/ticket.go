package auth

import (
	fifo "container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// TicketLife is how long a ticket waits to be used.
const TicketLife = 30 * time.Second

// ticketBytes are the random bytes of a ticket, and ticketLength is what they make in base64url.
const (
	ticketBytes  = 32
	ticketLength = 43
)

// Tickets are single-use credentials: whoever has a token gets one by a call, and shows it where a token would end in
// logs. Each is good once, for TicketLife, in the tenant of its token, for as long as the token would be: until it
// expires, is revoked, or its key is removed. A dialect takes those that were made by its own rules. What a ticket
// opens has the token's identity, and ends with the token. It keeps hashes, not tickets, and in this process alone: it
// is to be shown to the node that made it. Its methods may be called from many goroutines at once.
type Tickets struct {
	// Static after construction.
	now   func() time.Time
	bound int

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*fifo.Element // guarded by mu
	queues map[string]*fifo.List               // of *ticket by tenant, the oldest first; guarded by mu
	lost   uint64                              // pushed out before their time; guarded by mu
}

type ticket struct {
	hash     [sha256.Size]byte
	tenant   string
	identity protocol.Identity
	rules    credentialHash // that its token was checked by
	until    time.Time
}

func newTickets(bound int, now func() time.Time) *Tickets {
	return &Tickets{now: now, bound: bound, byHash: map[[sha256.Size]byte]*fifo.Element{},
		queues: map[string]*fifo.List{}}
}

// Issue makes a ticket for who showed a token in the tenant; rules are those that the token was checked by, which must
// be the rules of the dialect where the ticket is to be shown. The error is a protocol.Refusal, Unauthorized, if that
// is nobody. When there are as many as the bound allows, the tenant that has most loses its oldest.
func (s *Tickets) Issue(tenant string, id *protocol.Identity, rules protocol.Claims) (string, error) {
	if id == nil || id.User == "" {
		return "", &protocol.Refusal{Reason: protocol.Unauthorized}
	}
	if id.Tenant != "" { // whose token came in the lobby
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
		queue = fifo.New()
		s.queues[tenant] = queue
	}
	s.byHash[t.hash] = queue.PushBack(t)
	return text, nil
}

// makeRoom is called with mu held.
func (s *Tickets) makeRoom(now time.Time) {
	if len(s.byHash) < s.bound {
		return
	}
	var largest *fifo.List
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
func (s *Tickets) remove(e *fifo.Element) *ticket {
	t := e.Value.(*ticket)
	delete(s.byHash, t.hash)
	queue := s.queues[t.tenant]
	queue.Remove(e)
	if queue.Len() == 0 {
		delete(s.queues, t.tenant)
	}
	return t
}

// redeem uses a ticket up. at says where it may be used; one that is shown elsewhere stays good where it belongs.
func (s *Tickets) redeem(text string, at func(tenant string) bool) *ticket {
	if len(text) != ticketLength {
		return nil
	}
	hash := sha256.Sum256([]byte(text))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[hash]
	if e == nil || !at(e.Value.(*ticket).tenant) {
		return nil
	}
	if t := s.remove(e); now.Before(t.until) {
		return t
	}
	return nil
}

func (s *Tickets) stats() (now int, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byHash), s.lost
}

// String keeps even the hashes out of logs.
func (s *Tickets) String() string { return "[tickets]" }

// Tickets are those that Authenticate takes.
func (v *Verifier) Tickets() *Tickets { return v.tickets }

// checkTicket: the identity is that of the token that the ticket was issued for, and must still stand on it.
func (v *Verifier) checkTicket(r *tenantTable, at *tenant, credential *protocol.Credential, now time.Time) (authResult,
	Outcome) {
	if credential.For != "" {
		return authResult{tenant: at}, BadTicket
	}
	var whose *tenant
	found := v.tickets.redeem(credential.Token, func(tenant string) bool {
		whose = r.byName[tenant]
		return whose != nil && (whose == at || at == nil && whose.allowUnresolved)
	})
	switch {
	case found == nil:
		return authResult{tenant: at}, BadTicket
	case found.rules != hashRules(&credential.Claims), found.identity.Key != protocol.KeyFingerprint{} &&
		!whose.hasKey(found.identity.Key):
		return authResult{tenant: whose}, BadTicket
	case !found.identity.Expires.IsZero() && !now.Before(found.identity.Expires):
		return authResult{tenant: whose}, Expired
	}
	return authResult{tenant: whose, identity: &found.identity}, Accepted
}
