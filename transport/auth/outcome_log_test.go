package auth_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

type line struct {
	Level, Msg, Tenant, Reason, Remote string
	Failures                           int
}

// lines are the lines that were logged since the last call.
func (b *fixture) lines(t testing.TB) []line {
	t.Helper()
	var all []line
	for text := range strings.Lines(b.log.String()) {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	b.log.Reset()
	return all
}

func levels(lines []line) map[string]int {
	counts := map[string]int{}
	for _, l := range lines {
		counts[l.Level]++
	}
	return counts
}

// R001.52, R001.58, R001.83: outcomes are logged, and repeated failures are a warning.
func TestLog_RepeatedFailuresOfATenantAreOneWarningAMinute(t *testing.T) {
	b := newFixture(t, auth.Config{WarnAfter: 3}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	for range 10 {
		b.refuses(t, protocol.InvalidToken, "garbage")
	}
	if got := levels(b.lines(t)); got["INFO"] != 3 || got["WARN"] != 1 || got["DEBUG"] != 7 {
		t.Errorf("in the first minute: %v", got)
	}
	_, _ = b.showToken("b", "garbage", protocol.Claims{})
	if got := levels(b.lines(t)); got["INFO"] != 1 || got["WARN"] != 0 {
		t.Errorf("another tenant: %v", got)
	}
	b.now = epoch.Add(time.Minute)
	b.refuses(t, protocol.InvalidToken, "garbage")
	got := b.lines(t)
	if len(got) != 2 || got[0].Level != "WARN" || got[0].Failures != 10 || got[1].Level != "INFO" {
		t.Errorf("the minute after: %+v", got)
	}
}

func TestLog_TellsTenantReasonAndRemote(t *testing.T) {
	b := one(t, withSecret())
	show := func(remote, token string) []line {
		_, _ = b.Authenticate(auth.WithRemote(context.Background(), remote), "acme", protocol.Credential{Token: token})
		return b.lines(t)
	}
	if got := show("192.0.2.7", "garbage"); len(got) != 1 ||
		got[0] != (line{"INFO", "authentication failed", "acme", "malformed", "192.0.2.7", 0}) {
		t.Errorf("%+v", got)
	}
	if got := show("x\nlevel=ERROR", alice()); len(got) != 1 ||
		got[0] != (line{"DEBUG", "authenticated", "acme", "accepted", "", 0}) {
		t.Errorf("%+v", got)
	}
	if got := show("2001:db8::1%eth0\n", alice()); len(got) != 1 || strings.ContainsAny(got[0].Remote, "%\n") {
		t.Errorf("%+v", got)
	}
}

func TestStats_CountEveryOutcomeOfEveryTenant(t *testing.T) {
	b := newFixture(t, auth.Config{}, map[string]auth.TenantKeys{"acme": withSecret(), "b": withSecret()})
	b.accepts(t, alice())
	b.accepts(t, alice())
	b.accepts(t, "", protocol.Claims{Anonymous: true})
	b.refuses(t, protocol.Unauthorized, "")
	b.refuses(t, protocol.TokenExpired, hs(`{"exp":1}`))
	got := b.outcomes()
	for outcome, n := range map[string]uint64{"accepted": 1, "cached": 1, "anonymous": 1, "no_token": 1, "expired": 1} {
		if got[outcome] != n {
			t.Errorf("%s is %d, want %d", outcome, got[outcome], n)
		}
	}
	f := b.Stats()
	if len(f.Outcomes["b"]) != 29 || f.CacheEntries != 1 {
		t.Errorf("tenant b has %d outcomes, %d tokens are cached", len(f.Outcomes["b"]), f.CacheEntries)
	}
	for outcome, n := range f.Outcomes["b"] {
		if n != 0 || outcome == "" {
			t.Errorf("tenant b: outcome %q is %d", outcome, n)
		}
	}
}
