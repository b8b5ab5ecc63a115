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

func (b *bench) revoke(t testing.TB, tenant string, r auth.Revocation) {
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
	old, thisSecond, next := issued("alice", -time.Minute, "a"), issued("alice", 0, "b"), issued("alice", time.Second, "c")
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
	// An earlier one does not give back what a later one took.
	b.revoke(t, "acme", auth.Revocation{User: "alice", Before: epoch.Add(-time.Hour)})
	b.refuses(t, protocol.InvalidToken, issued("alice", -61*time.Second, "a"))
}

// An issuer's clock may be ahead: what was seen before the revocation does not slip through.
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
	if n := b.Figures().Revocations; n != 2 {
		t.Errorf("%d revocations, want 2", n)
	}
}

func TestRevoke_StaysInItsTenantAndOutlivesNewKeys(t *testing.T) {
	b := newBench(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	token := issued("alice", 0, "one")
	b.revoke(t, "acme", auth.Revocation{User: "alice"})
	if _, err := b.show("b", token, protocol.Claims{}); err != nil {
		t.Errorf("tenant b refused: %v", err)
	}
	if err := b.Reload(map[string]auth.TenantKeys{"acme": withSecret()}); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, protocol.InvalidToken, token)
}

func TestRevoke_IsKeptForItsAgeAndAsLongAsTokensMayLive(t *testing.T) {
	b := newBench(t, auth.Config{RevocationAge: time.Hour}, map[string]auth.TenantKeys{"acme": withSecret()})
	long := hs(fmt.Sprintf(`{"sub":"alice","jti":"long","iat":%d,"exp":%d}`, unix(0), unix(48*time.Hour)))
	b.revoke(t, "acme", auth.Revocation{TokenID: "short-lived"})
	b.accepts(t, long) // from now on the tenant is known to have such
	b.revoke(t, "acme", auth.Revocation{TokenID: "long"})
	b.now = epoch.Add(48 * time.Hour)
	b.refuses(t, protocol.InvalidToken, long)
	// The other one is let go of when it is met.
	if n := b.Figures().Revocations; n != 2 {
		t.Fatalf("%d revocations", n)
	}
	b.accepts(t, hs(fmt.Sprintf(`{"sub":"bob","jti":"short-lived","exp":%d}`, unix(49*time.Hour))))
	if f := b.Figures(); f.Revocations != 1 || f.Forgotten != 0 {
		t.Errorf("%d revocations, %d forgotten", f.Revocations, f.Forgotten)
	}
}

func TestRevoke_OfTimesToComeIsKeptBeyondThem(t *testing.T) {
	b := newBench(t, auth.Config{RevocationAge: time.Hour}, map[string]auth.TenantKeys{"acme": withSecret()})
	b.revoke(t, "acme", auth.Revocation{User: "alice", Before: epoch.Add(5 * time.Hour)})
	b.now = epoch.Add(5*time.Hour + 30*time.Minute)
	token := hs(fmt.Sprintf(`{"sub":"alice","iat":%d,"exp":%d}`, unix(4*time.Hour), unix(6*time.Hour)))
	b.refuses(t, protocol.InvalidToken, token)
}

func TestRevoke_NeverLapsesWhereTokensNeverExpire(t *testing.T) {
	keys := withSecret()
	keys.NeverExpire = true
	b := newBench(t, auth.Config{RevocationAge: time.Hour}, map[string]auth.TenantKeys{"acme": keys})
	b.revoke(t, "acme", auth.Revocation{User: "device-7"})
	b.now = epoch.Add(10000 * time.Hour)
	b.refuses(t, protocol.InvalidToken, hs(`{"sub":"device-7"}`))
}

// The register is full: the tenant that has most loses its oldest, and that is said.
func TestRevoke_FullRegisterTakesFromTheTenantThatHasMost(t *testing.T) {
	b := newBench(t, auth.Config{Revocations: 5}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	b.revoke(t, "acme", auth.Revocation{TokenID: "one"})
	for i := range 20 {
		b.revoke(t, "b", auth.Revocation{TokenID: fmt.Sprint("t", i)})
	}
	if f := b.Figures(); f.Revocations != 5 || f.Forgotten != 16 {
		t.Errorf("%d revocations, %d forgotten; want 5 and 16", f.Revocations, f.Forgotten)
	}
	b.refuses(t, protocol.InvalidToken, issued("alice", 0, "one"))
	for i := range 20 {
		_, err := b.show("b", issued("bob", 0, fmt.Sprint("t", i)), protocol.Claims{})
		if forgotten := i < 16; forgotten != (err == nil) {
			t.Errorf("token t%d: %v", i, err)
		}
	}
	if n := strings.Count(b.log.String(), "register of revocations is full"); n != 1 {
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
