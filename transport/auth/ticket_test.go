package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func ticket(text string) protocol.Credential {
	return protocol.Credential{Form: protocol.Ticket, Token: text}
}

// issue issues a ticket for the user of a token.
func (b *fixture) issue(t testing.TB, tenant, token string) string {
	t.Helper()
	return b.issueBy(t, tenant, token, protocol.Claims{})
}

// issueBy issues it under the rules of a dialect.
func (b *fixture) issueBy(t testing.TB, tenant, token string, rules protocol.Claims) string {
	t.Helper()
	id, err := b.showToken(tenant, token, rules)
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.Tickets().Issue(tenant, id, rules)
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
	if id.User != "7" || id.TokenID != "j" || !id.Expires.Equal(epoch.Add(time.Hour)) || id.Tenant != "" {
		t.Errorf("identity %+v", id)
	}
	checkTopics(t, id, "a/*")
	b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(text))
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
	b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(late))
}

// F20: a ticket, and the connection that it opens, end with the token for which it was issued.
func TestTickets_EndWithTheirToken(t *testing.T) {
	b := one(t, withSecret())
	short := hs(fmt.Sprintf(`{"sub":"alice","exp":%d}`, unix(20*time.Second)))
	in, late := b.issue(t, "acme", short), b.issue(t, "acme", short)
	b.now = epoch.Add(20*time.Second - 1)
	if id := b.admits(t, "acme", ticket(in)); !id.Expires.Equal(epoch.Add(20 * time.Second)) {
		t.Errorf("it opens something until %s", id.Expires)
	}
	b.now = epoch.Add(20 * time.Second)
	b.refusesCredential(t, protocol.TokenExpired, "acme", ticket(late))
}

// F20: without its key a ticket does not hold, as its token would not; other keys may come and go.
func TestTickets_EndWithTheirKey(t *testing.T) {
	first, second := auth.Key{Secret: secret}, auth.Key{ID: "2", Secret: otherSecret}
	keys := func(all ...auth.Key) map[string]auth.TenantKeys {
		return map[string]auth.TenantKeys{"acme": {Keys: all}}
	}
	b := newFixture(t, auth.Config{}, keys(first, second))
	for name, next := range map[string][]auth.Key{"removed": {second}, "stays": {first},
		"in another place": {second, first}} {
		if err := b.Reload(keys(first, second)); err != nil {
			t.Fatal(err)
		}
		text := b.issue(t, "acme", alice())
		if err := b.Reload(keys(next...)); err != nil {
			t.Fatal(err)
		}
		if name == "removed" {
			b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(text))
		} else if id := b.admits(t, "acme", ticket(text)); id.Key == (protocol.KeyFingerprint{}) {
			t.Errorf("%s: the identity names no key", name)
		}
	}
}

// F19: a dialect takes tickets that were issued under its own rules, and no others.
func TestTickets_AreTakenByTheRulesThatTheyWereMadeBy(t *testing.T) {
	b := one(t, withSecret())
	strict := protocol.Claims{Refuse: []string{"refresh"}, Require: []string{"sid"}}
	id := b.accepts(t, alice())
	for _, c := range []struct {
		made, credential protocol.Claims
		taken            bool
	}{{strict, strict, true}, {protocol.Claims{Refuse: []string{"refresh"}}, strict, false},
		{protocol.Claims{}, strict, false}, {strict, protocol.Claims{User: []string{"data.id"}}, false}} {
		text, err := b.Tickets().Issue("acme", id, c.made)
		if err != nil {
			t.Fatal(err)
		}
		credential := ticket(text)
		credential.Claims = c.credential
		if _, err := b.show("acme", credential); (err == nil) != c.taken {
			t.Errorf("made by %v, shown by %v: %v", c.made, c.credential, err)
		}
	}
}

func TestTickets_AreOfOneTenant(t *testing.T) {
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	text := b.issue(t, "acme", alice())
	b.refusesCredential(t, protocol.InvalidToken, "b", ticket(text))
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, ticket(text)) // acme does not allow this
	b.admits(t, "acme", ticket(text))
	text = b.issue(t, "acme", alice())
	if err := b.Reload(map[string]auth.TenantKeys{"b": withSecret()}); err != nil {
		t.Fatal(err)
	}
	b.refusesCredential(t, protocol.InvalidToken, "b", ticket(text))
	b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(text))
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
				if _, err := b.show("acme", ticket(text)); err == nil {
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
		if text, err := b.Tickets().Issue("acme", id, protocol.Claims{}); text != "" ||
			protocol.AsRefusal(err).Reason != protocol.Unauthorized {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, text := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", protocol.MaxToken)} {
		b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(text))
	}
	b.refusesCredential(t, protocol.InvalidToken, "acme",
		protocol.Credential{Form: protocol.Ticket, Token: b.issue(t, "acme", alice()), For: "x"})
}

// At the bound, expired tickets go first; then the tenant that has most loses its oldest.
func TestTickets_AreBoundedAndTheOldestOfTheLargestTenantGoes(t *testing.T) {
	b := newFixture(t, auth.Config{Tickets: 5}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	mine := b.issue(t, "acme", alice())
	var theirs []string
	for range 10 {
		theirs = append(theirs, b.issue(t, "b", alice()))
	}
	if f := b.Stats(); f.Tickets != 5 || f.TicketsLost != 6 {
		t.Errorf("%d tickets, %d lost; want 5 and 6", f.Tickets, f.TicketsLost)
	}
	b.admits(t, "acme", ticket(mine))
	for i, text := range theirs {
		if _, err := b.show("b", ticket(text)); (err == nil) != (i >= 6) {
			t.Errorf("ticket %d: %v", i, err)
		}
	}
	for range 5 {
		b.issue(t, "b", alice())
	}
	b.now = epoch.Add(auth.TicketLife)
	b.issue(t, "acme", alice())
	if f := b.Stats(); f.Tickets != 1 || f.TicketsLost != 6 {
		t.Errorf("%d tickets, %d lost; those that had ended are no loss", f.Tickets, f.TicketsLost)
	}
}

func TestTickets_AreRevokedWithTheirTokenAndTheirUser(t *testing.T) {
	b := one(t, withSecret())
	byToken, byUser := b.issue(t, "acme", issued("alice", 0, "one")), b.issue(t, "acme", issued("bob", 0, "two"))
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	b.revoke(t, "acme", auth.Revocation{User: "bob"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(byToken))
	b.refusesCredential(t, protocol.InvalidToken, "acme", ticket(byUser))
	if got := b.outcomes(); got["revoked"] != 2 {
		t.Errorf("outcomes %v", got)
	}
}
