package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func (b *fixture) revoke(t testing.TB, tenant string, r auth.Revocation) {
	t.Helper()
	if err := b.Revoke(tenant, r); err != nil {
		t.Fatal(err)
	}
}

// issued is a token of a user, of a time, with a jti.
func issued(user string, after time.Duration, jti string) string {
	return hs(live(fmt.Sprintf(`"sub":%q,"iat":%d,"jti":%q`, user, unix(after), jti)))
}

// reliability.md check 24, the token's side; R000.3's blacklist by jti.
func TestRevoke_BeatsTheCache(t *testing.T) {
	b := one(t, withSecret())
	mine, other := issued("alice", 0, "one"), issued("alice", 0, "two")
	b.accepts(t, mine)
	b.accepts(t, other)
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	b.refuses(t, protocol.InvalidToken, mine)
	b.accepts(t, other)
	if got := b.outcomes(); got["revoked"] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

func TestRevoke_AUsersTokensUntilNowAndNotThoseAfter(t *testing.T) {
	b := one(t, withSecret())
	b.now = epoch.Add(500 * time.Millisecond)
	old, thisSecond, next := issued("alice", -time.Minute, "a"), issued("alice", 0, "b"),
		issued("alice", time.Second, "c")
	b.accepts(t, old)
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.refuses(t, protocol.InvalidToken, old)
	b.refuses(t, protocol.InvalidToken, thisSecond)
	b.refuses(t, protocol.InvalidToken, alice()) // without iat it could be of any age
	b.accepts(t, next)
	b.accepts(t, issued("bob", -time.Minute, "d"))
}

func TestRevoke_BeforeIsHonoured(t *testing.T) {
	b := one(t, withSecret())
	b.revoke(t, "acme", auth.Revocation{User: "alice", Before: epoch.Add(-time.Minute)})
	b.refuses(t, protocol.InvalidToken, issued("alice", -61*time.Second, "a"))
	b.accepts(t, issued("alice", -time.Minute, "b"))
}

// F3: the later call replaces the earlier one, whatever that said, for a user and for a token.
func TestRevoke_ALaterCallReplacesAnEarlierOne(t *testing.T) {
	b := one(t, withSecret())
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.refuses(t, protocol.InvalidToken, issued("alice", -time.Minute, "a"))
	b.revoke(t, "acme", auth.Revocation{User: "alice", Before: epoch.Add(-time.Hour)})
	b.accepts(t, issued("alice", -time.Minute, "a"))
	b.refuses(t, protocol.InvalidToken, issued("alice", -61*time.Minute, "a"))
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	b.revoke(t, "acme", auth.Revocation{TokenID: "one", Before: epoch})
	b.accepts(t, issued("bob", 0, "one"))
	if n := b.Stats().Revocations; n != 2 {
		t.Errorf("%d revocations, want 2", n)
	}
}

// F3: tokens that are still to be issued cannot be revoked; the difference that clocks may have is allowed.
func TestRevoke_BeforeATimeToComeIsRefused(t *testing.T) {
	b := one(t, withSecret())
	for _, before := range []time.Time{epoch.Add(auth.DefaultLeeway + time.Nanosecond), epoch.Add(time.Hour),
		time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, r := range []auth.Revocation{{User: "alice", Before: before}, {TokenID: "one", Before: before}} {
			if refusal := protocol.AsRefusal(b.Revoke("acme", r)); refusal == nil ||
				refusal.Reason != protocol.Malformed ||
				!strings.Contains(refusal.Detail, "future") {
				t.Errorf("%+v: %v", r, refusal)
			}
		}
	}
	b.accepts(t, issued("alice", 0, "one"))
	b.revoke(t, "acme", auth.Revocation{User: "alice", Before: epoch.Add(auth.DefaultLeeway)})
	b.refuses(t, protocol.InvalidToken, issued("alice", 0, "one"))
}

// F3: a revocation that was made while the clock was an hour ahead is undone by taking it back, or by a new one.
func TestUnrevoke_LetsAUserInWhomAWrongClockLockedOut(t *testing.T) {
	b := one(t, withSecret())
	b.now = epoch.Add(time.Hour)
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.revoke(t, "acme", auth.Revocation{User: "bob"})
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	b.now = epoch.Add(time.Minute) // set right
	b.refuses(t, protocol.InvalidToken, issued("alice", time.Minute, "a"))
	if was, err := b.Unrevoke("acme", auth.Revocation{User: "alice", Before: epoch}); !was || err != nil {
		t.Errorf("%t, %v", was, err)
	}
	b.accepts(t, issued("alice", time.Minute, "a"))
	b.revoke(t, "acme", auth.Revocation{User: "bob"})
	b.now = epoch.Add(2 * time.Minute)
	b.accepts(t, issued("bob", 2*time.Minute, "b"))
	b.refuses(t, protocol.InvalidToken, issued("bob", time.Minute, "b"))
	b.refuses(t, protocol.InvalidToken, issued("carol", 0, "one"))
	for range 2 {
		was, err := b.Unrevoke("acme", auth.Revocation{TokenID: "one"})
		if err != nil || was != (b.Stats().Revocations == 1) {
			t.Errorf("%t, %v", was, err)
		}
		b.accepts(t, issued("carol", 0, "one"))
		b.revoke(t, "acme", auth.Revocation{User: "carol", TokenID: "one"}) // is another one
		if was, err := b.Unrevoke("acme", auth.Revocation{TokenID: "one"}); was || err != nil {
			t.Errorf("%t, %v", was, err)
		}
		b.refuses(t, protocol.InvalidToken, issued("carol", 0, "one"))
		b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
		_, _ = b.Unrevoke("acme", auth.Revocation{User: "carol", TokenID: "one"})
	}
}

func TestUnrevoke_RefusesWhatNamesNobody(t *testing.T) {
	b := one(t, withSecret())
	for tenant, want := range map[string]protocol.Reason{"nobody": protocol.NotFound, "acme": protocol.Malformed} {
		if _, err := b.Unrevoke(tenant, auth.Revocation{}); protocol.AsRefusal(err).Reason != want {
			t.Errorf("%s: %v", tenant, err)
		}
	}
}

// An issuer's clock may be ahead: tokens that were seen before the revocation do not slip through.
func TestRevoke_CoversATokenOfAnIssuerWhoseClockIsAhead(t *testing.T) {
	b := one(t, withSecret())
	ahead, furtherAhead := issued("alice", 8*time.Second, "a"), issued("alice", 9*time.Second, "b")
	b.accepts(t, ahead)
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.refuses(t, protocol.InvalidToken, ahead)
	b.accepts(t, furtherAhead)
}

func TestRevoke_OfATokenGoesByUserAndTimeToo(t *testing.T) {
	b := one(t, withSecret())
	b.revoke(t, "acme", auth.Revocation{User: "alice", TokenID: "one"})
	b.refuses(t, protocol.InvalidToken, issued("alice", 0, "one"))
	b.accepts(t, issued("alice", 0, "two"))
	b.accepts(t, issued("bob", 0, "one"))
	b.revoke(t, "acme", auth.Revocation{TokenID: "two", Before: epoch})
	b.refuses(t, protocol.InvalidToken, issued("bob", -time.Second, "two"))
	b.accepts(t, issued("bob", 0, "two"))
	b.revoke(t, "acme", auth.Revocation{TokenID: "two"}) // without limit beats a limit
	b.refuses(t, protocol.InvalidToken, issued("bob", 0, "two"))
	if n := b.Stats().Revocations; n != 2 {
		t.Errorf("%d revocations, want 2", n)
	}
}

func TestRevoke_StaysInItsTenantAndOutlivesNewKeys(t *testing.T) {
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	token := issued("alice", 0, "one")
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	if _, err := b.showToken("b", token, protocol.Claims{}); err != nil {
		t.Errorf("tenant b refused: %v", err)
	}
	if err := b.Reload(map[string]auth.TenantKeys{"acme": withSecret()}); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, protocol.InvalidToken, token)
}

func TestRevoke_IsKeptForItsAgeAndAsLongAsTokensMayLive(t *testing.T) {
	b := newFixture(t, auth.Config{RevocationAge: time.Hour}, map[string]auth.TenantKeys{"acme": withSecret()})
	long := hs(fmt.Sprintf(`{"sub":"alice","jti":"long","iat":%d,"exp":%d}`, unix(0), unix(48*time.Hour)))
	b.revoke(t, "acme", auth.Revocation{TokenID: "short-lived"})
	b.accepts(t, long) // from now on the tenant is known to have such tokens
	b.revoke(t, "acme", auth.Revocation{TokenID: "long"})
	b.now = epoch.Add(48 * time.Hour)
	b.refuses(t, protocol.InvalidToken, long)
	b.accepts(t, hs(fmt.Sprintf(`{"sub":"bob","jti":"short-lived","exp":%d}`, unix(49*time.Hour))))
}

// Expired revocations make room first, but no sooner than it is needed, since the clock may have been wrong.
func TestRevoke_WhatIsOverGoesFirstWhenRoomIsNeeded(t *testing.T) {
	b := newFixture(t, auth.Config{Revocations: 4, RevocationAge: time.Hour},
		map[string]auth.TenantKeys{"acme": withSecret()})
	lasting := withSecret()
	lasting.NeverExpire = true
	if err := b.SetTenant("b", lasting); err != nil {
		t.Fatal(err)
	}
	b.revoke(t, "b", auth.Revocation{User: "device"}) // for ever, and the oldest of all
	for _, jti := range []string{"one", "two", "three"} {
		b.revoke(t, "acme", auth.Revocation{TokenID: jti})
	}
	b.now = epoch.Add(400 * 24 * time.Hour)
	b.accepts(t, hs(fmt.Sprintf(`{"sub":"bob","jti":"one","exp":%d}`, b.now.Add(time.Hour).Unix())))
	b.now = epoch.Add(time.Minute) // it was never that late
	b.refuses(t, protocol.InvalidToken, issued("bob", 0, "one"))
	b.now = epoch.Add(2 * time.Hour)
	b.revoke(t, "acme", auth.Revocation{TokenID: "four"})
	if f := b.Stats(); f.Revocations != 2 || f.Forgotten != 0 {
		t.Errorf("%d revocations, %d forgotten; want 2 and 0", f.Revocations, f.Forgotten)
	}
	if _, err := b.showToken("b", hs(`{"sub":"device"}`), protocol.Claims{}); err == nil {
		t.Error("the one that holds for ever has gone")
	}
}

// F4: the time of issue does not say whether a token is good. A token from the future is of any age for a revocation of
// its user: it does not escape. Once its time has come, its iat counts, unless the token was seen before.
func TestRevoke_CoversATokenFromTheFuture(t *testing.T) {
	b := one(t, withSecret())
	far := func(user string) string {
		return hs(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, unix(time.Hour), unix(10*time.Hour)))
	}
	ever := hs(fmt.Sprintf(`{"sub":"alice","iat":%d,"exp":%d}`, unix(70*365*24*time.Hour), unix(80*365*24*time.Hour)))
	for range 2 { // the second time it is cached
		if id := b.accepts(t, far("alice")); !id.Issued.IsZero() {
			t.Errorf("issued %s", id.Issued)
		}
	}
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.revoke(t, "acme", auth.Revocation{User: "bob", Before: epoch.Add(-time.Hour)})
	b.refuses(t, protocol.InvalidToken, far("alice"))
	b.refuses(t, protocol.InvalidToken, ever)
	b.refuses(t, protocol.InvalidToken, far("bob")) // never seen before
	b.accepts(t, far("carol"))
	b.now = epoch.Add(2 * time.Hour)
	b.refuses(t, protocol.InvalidToken, far("alice"))
	b.refuses(t, protocol.InvalidToken, ever)
	b.accepts(t, far("bob"))
	b.accepts(t, hs(fmt.Sprintf(`{"sub":"alice","iat":%d,"exp":%d}`, unix(2*time.Hour), unix(3*time.Hour))))
}

// F4: an issuer whose clock is far ahead makes its own users wait for new tokens after a revocation, and nobody else.
func TestRevoke_OneTokenFromTheFutureLocksOutNobodyElse(t *testing.T) {
	b := one(t, withSecret())
	b.accepts(t, issued("mallory", 59*time.Minute, "m"))
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	b.now = epoch.Add(time.Second)
	b.accepts(t, issued("alice", time.Second, "a"))
}

func TestRevoke_NeverLapsesWhereTokensNeverExpire(t *testing.T) {
	keys := withSecret()
	keys.NeverExpire = true
	b := newFixture(t, auth.Config{RevocationAge: time.Hour}, map[string]auth.TenantKeys{"acme": keys})
	b.revoke(t, "acme", auth.Revocation{User: "device-7"})
	b.now = epoch.Add(10000 * time.Hour)
	b.refuses(t, protocol.InvalidToken, hs(`{"sub":"device-7"}`))
}

// When the list is full, the tenant that has most loses its oldest revocation, with a warning.
func TestRevoke_AFullListTakesFromTheTenantThatHasMost(t *testing.T) {
	b := newFixture(t, auth.Config{Revocations: 5}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	for i := range 20 {
		b.revoke(t, "b", auth.Revocation{TokenID: fmt.Sprint("t", i)})
	}
	if f := b.Stats(); f.Revocations != 5 || f.Forgotten != 16 {
		t.Errorf("%d revocations, %d forgotten; want 5 and 16", f.Revocations, f.Forgotten)
	}
	b.refuses(t, protocol.InvalidToken, issued("alice", 0, "one"))
	for i := range 20 {
		_, err := b.showToken("b", issued("bob", 0, fmt.Sprint("t", i)), protocol.Claims{})
		if forgotten := i < 16; forgotten != (err == nil) {
			t.Errorf("token t%d: %v", i, err)
		}
	}
	if n := strings.Count(b.log.String(), "list of revocations is full"); n != 1 {
		t.Errorf("warned %d times in a minute, want once", n)
	}
}

func TestRevoke_RefusesWhatNamesNobody(t *testing.T) {
	b := one(t, withSecret())
	for _, c := range []struct {
		tenant string
		what   auth.Revocation
		want   protocol.Reason
	}{
		{"nobody", auth.Revocation{User: "alice"}, protocol.NotFound},
		{"acme", auth.Revocation{}, protocol.Malformed},
		{"acme", auth.Revocation{Before: epoch}, protocol.Malformed},
		{"acme", auth.Revocation{User: "a\nb"}, protocol.Malformed},
		{"acme", auth.Revocation{TokenID: strings.Repeat("j", 256)}, protocol.Malformed},
	} {
		err := b.Revoke(c.tenant, c.what)
		if refusal, ok := errors.AsType[*protocol.Refusal](err); !ok || refusal.Reason != c.want {
			t.Errorf("%+v: %v, want %s", c.what, err, c.want)
		}
	}
}
