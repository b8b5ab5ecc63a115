package auth_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func ticket(text string) protocol.Credential {
	return protocol.Credential{Form: protocol.Ticket, Token: text}
}

// issue makes a ticket for whom a token names.
func (b *bench) issue(t testing.TB, tenant, token string) string {
	t.Helper()
	id, err := b.show(tenant, token, protocol.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.Tickets().Issue(tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// R002.24: 32 random bytes, urlsafe, bound to the user, once.
func TestTickets_OpenOneSocketAsTheUserOfTheToken(t *testing.T) {
	b := one(t, withSecret())
	text := b.issue(t, "acme", hs(live(`"sub":7,"jti":"j","topics":["a/*"]`)))
	if len(text) != 43 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("ticket %q", text)
	}
	id := b.admits(t, "acme", ticket(text))
	if id.User != "7" || id.TokenID != "j" || !id.Expires.IsZero() || id.Tenant != "" {
		t.Errorf("identity %+v", id)
	}
	checkTopics(t, id, "a/*")
	b.turns(t, protocol.InvalidToken, "acme", ticket(text))
	if got := b.outcomes(); got["bad_ticket"] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

func TestTickets_EndAfterThirtySeconds(t *testing.T) {
	b := one(t, withSecret())
	in, late := b.issue(t, "acme", alice()), b.issue(t, "acme", alice())
	b.now = epoch.Add(auth.TicketLife - 1)
	b.admits(t, "acme", ticket(in))
	b.now = epoch.Add(auth.TicketLife)
	b.turns(t, protocol.InvalidToken, "acme", ticket(late))
}

func TestTickets_AreOfOneTenant(t *testing.T) {
	b := newBench(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	text := b.issue(t, "acme", alice())
	b.turns(t, protocol.InvalidToken, "b", ticket(text))
	b.turns(t, protocol.InvalidToken, auth.Lobby, ticket(text)) // acme is not in it
	b.admits(t, "acme", ticket(text))
	text = b.issue(t, "acme", alice())
	if err := b.Reload(map[string]auth.TenantKeys{"b": withSecret()}); err != nil {
		t.Fatal(err)
	}
	b.turns(t, protocol.InvalidToken, "b", ticket(text))
	b.turns(t, protocol.InvalidToken, "acme", ticket(text))
}

func TestTickets_AreUsedExactlyOnceHoweverManyTryAtOnce(t *testing.T) {
	b := one(t, withSecret())
	for range 50 {
		text := b.issue(t, "acme", alice())
		var mu sync.Mutex
		admitted := 0
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := b.meet("acme", ticket(text)); err == nil {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if admitted != 1 {
			t.Fatalf("a ticket opened %d sockets", admitted)
		}
	}
}

func TestTickets_AreForUsersAlone(t *testing.T) {
	b := one(t, withSecret())
	for _, id := range []*protocol.Identity{nil, {}} {
		if text, err := b.Tickets().Issue("acme", id); text != "" || protocol.AsRefusal(err).Reason != protocol.Unauthorized {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, text := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 9000)} {
		b.turns(t, protocol.InvalidToken, "acme", ticket(text))
	}
	b.turns(t, protocol.InvalidToken, "acme", protocol.Credential{Form: protocol.Ticket, Token: b.issue(t, "acme", alice()), For: "x"})
}

// The bound is met by the tenant that has most; what has ended goes first.
func TestTickets_AreBoundedAndTheOldestOfTheLargestTenantGoes(t *testing.T) {
	b := newBench(t, auth.Config{Tickets: 5}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	mine := b.issue(t, "acme", alice())
	var theirs []string
	for range 10 {
		theirs = append(theirs, b.issue(t, "b", alice()))
	}
	if f := b.Figures(); f.Tickets != 5 || f.TicketsLost != 6 {
		t.Errorf("%d tickets, %d lost; want 5 and 6", f.Tickets, f.TicketsLost)
	}
	b.admits(t, "acme", ticket(mine))
	for i, text := range theirs {
		if _, err := b.meet("b", ticket(text)); (err == nil) != (i >= 6) {
			t.Errorf("ticket %d: %v", i, err)
		}
	}
	for range 5 {
		b.issue(t, "b", alice())
	}
	b.now = epoch.Add(auth.TicketLife)
	b.issue(t, "acme", alice())
	if f := b.Figures(); f.Tickets != 1 || f.TicketsLost != 6 {
		t.Errorf("%d tickets, %d lost; those that had ended are no loss", f.Tickets, f.TicketsLost)
	}
}

func TestTickets_AreRevokedWithTheirTokenAndTheirUser(t *testing.T) {
	b := one(t, withSecret())
	byToken, byUser := b.issue(t, "acme", issued("alice", 0, "one")), b.issue(t, "acme", issued("bob", 0, "two"))
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	b.revoke(t, "acme", auth.Revocation{User: "bob"})
	b.turns(t, protocol.InvalidToken, "acme", ticket(byToken))
	b.turns(t, protocol.InvalidToken, "acme", ticket(byUser))
	if got := b.outcomes(); got["revoked"] != 2 {
		t.Errorf("outcomes %v", got)
	}
}
