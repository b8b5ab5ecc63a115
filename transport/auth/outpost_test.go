package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func outpost(id, token string) protocol.Credential {
	return protocol.Credential{Form: protocol.Outpost, Token: token, For: id}
}

func withOutposts() auth.TenantKeys {
	keys := withSecret()
	keys.Outposts = []auth.OutpostToken{
		{Outpost: outpostA, Token: "token-of-a"}, {Outpost: outpostA, Token: "next-token-of-a"},
		{Outpost: outpostB, Token: "token-of-b", Expires: epoch.Add(time.Hour)},
	}
	return keys
}

// R003.12-14: the token must belong to that outpost.
func TestOutposts_ATokenIsGoodForItsOutpostAlone(t *testing.T) {
	b := one(t, withOutposts())
	for _, token := range []string{"token-of-a", "next-token-of-a"} {
		id := b.admits(t, "acme", outpost(outpostA, token))
		if id.User != "outpost:"+outpostA || !id.Expires.IsZero() {
			t.Errorf("identity %+v", id)
		}
		checkTopics(t, id, protocol.Pattern("outposts/"+outpostA))
	}
	for _, credential := range []protocol.Credential{
		outpost(outpostB, "token-of-a"), outpost(outpostA, "token-of-b"), outpost(outpostA, "TOKEN-OF-A"),
		outpost(outpostA, "token-of-"),
		outpost(outpostA, ""), outpost("", "token-of-a"), outpost("*", "token-of-a"),
		outpost(outpostA+"/x", "token-of-a"), outpost(outpostA, alice()),
	} {
		b.refusesCredential(t, protocol.InvalidToken, "acme", credential)
	}
	if got := b.outcomes(); got["bad_outpost"] != 9 || got["accepted"] != 2 {
		t.Errorf("outcomes %v", got)
	}
}

func TestOutposts_ATokenEndsWhenItSays(t *testing.T) {
	b := one(t, withOutposts())
	if id := b.admits(t, "acme", outpost(outpostB, "token-of-b")); !id.Expires.Equal(epoch.Add(time.Hour)) {
		t.Errorf("expires %s", id.Expires)
	}
	b.now = epoch.Add(time.Hour)
	b.refusesCredential(t, protocol.TokenExpired, "acme", outpost(outpostB, "token-of-b"))
}

// In dev mode one token is good for any outpost; it still grants the one that is asked for.
func TestOutposts_ATokenForAnyIsGoodForTheOneThatIsAsked(t *testing.T) {
	keys := withSecret()
	keys.Outposts = []auth.OutpostToken{{Outpost: auth.AnyOutpost, Token: "dev"}}
	b := one(t, keys)
	checkTopics(t, b.admits(t, "acme", outpost(outpostB, "dev")), protocol.Pattern("outposts/"+outpostB))
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostB, "Dev"))
	if all, err := b.OutpostsOf(t.Context(), "acme", "dev"); err != nil || len(all) != 1 || all[0] != auth.NilOutpost {
		t.Errorf("%q, %v", all, err)
	}
}

// A revoked outpost comes back with a new token and with none of the old, over reloads.
func TestOutposts_ARevokedOneComesBackWithANewTokenAlone(t *testing.T) {
	b := one(t, withOutposts())
	b.revoke(t, "acme", auth.Revocation{User: "outpost:" + outpostA})
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostA, "token-of-a"))
	b.admits(t, "acme", outpost(outpostB, "token-of-b"))
	b.now = epoch.Add(48 * time.Hour) // longer than revocations of tokens are kept
	keys := withOutposts()
	keys.Outposts = append(keys.Outposts, auth.OutpostToken{Outpost: outpostA, Token: "fresh"})
	if err := b.SetTenant("acme", keys); err != nil {
		t.Fatal(err)
	}
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostA, "token-of-a"))
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostA, "next-token-of-a"))
	b.admits(t, "acme", outpost(outpostA, "fresh"))
}

func TestOutposts_TheBackendMayKnowFurtherTokens(t *testing.T) {
	there := &backend{knows: map[string]string{
		"outpost acme " + outpostA + " from-authentik": `{"allow":true,"id":"token-9","topics":["*"]}`,
		"outpost acme from-authentik":                  `{"allow":true,"outpost":"` + outpostA + `"}`,
		"outpost acme " + outpostB + " confused":       `{"allow":true,"outpost":"` + outpostA + `"}`,
	}}
	b := one(t, there.with(withOutposts()))
	id := b.admits(t, "acme", outpost(outpostA, "from-authentik"))
	if id.TokenID != "token-9" || id.User != "outpost:"+outpostA {
		t.Errorf("identity %+v", id)
	}
	checkTopics(t, id, protocol.Pattern("outposts/"+outpostA))
	b.admits(t, "acme", outpost(outpostA, "from-authentik")) // from the cache
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostB, "from-authentik"))
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostB, "confused"))
	// it is known, so the backend is not asked
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostB, "token-of-a"))
	if n := there.count(); n != 3 {
		t.Errorf("asked %q", there.asked)
	}
	if all, err := b.OutpostsOf(t.Context(), "acme", "from-authentik"); err != nil || len(all) != 1 ||
		all[0] != outpostA {
		t.Errorf("%q, %v", all, err)
	}
	b.revoke(t, "acme", auth.Revocation{TokenID: "token-9"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", outpost(outpostA, "from-authentik"))
	there.down = true
	b.isBusy(t, outpost(outpostB, "unheard-of"))
}

func TestOutpostsOf_NamesTheOutpostOfATokenThatHolds(t *testing.T) {
	b := one(t, withOutposts())
	for token, want := range map[string]string{"token-of-a": outpostA, "next-token-of-a": outpostA,
		"token-of-b": outpostB} {
		if all, err := b.OutpostsOf(t.Context(), "acme", token); err != nil || len(all) != 1 || all[0] != want {
			t.Errorf("%s: %q, %v", token, all, err)
		}
	}
	// F22
	if _, err := b.OutpostsOf(t.Context(), "acme",
		strings.Repeat("x", 9000)); protocol.AsRefusal(err).Reason != protocol.TooLarge {
		t.Errorf("%v", err)
	}
	for _, token := range []string{"", "other", strings.Repeat("x", protocol.MaxToken)} {
		if all, err := b.OutpostsOf(t.Context(), "acme", token); protocol.AsRefusal(err) == nil ||
			protocol.AsRefusal(err).Reason != protocol.Forbidden {
			t.Errorf("%q, %v", all, err)
		}
	}
	if _, err := b.OutpostsOf(t.Context(), "nobody", "token-of-a"); protocol.AsRefusal(err) == nil {
		t.Error("a tenant that there is not")
	}
	b.revoke(t, "acme", auth.Revocation{User: "outpost:" + outpostA})
	if _, err := b.OutpostsOf(t.Context(), "acme", "token-of-a"); protocol.AsRefusal(err) == nil {
		t.Error("a revoked one")
	}
	b.now = epoch.Add(2 * time.Hour)
	if _, err := b.OutpostsOf(t.Context(), "acme", "token-of-b"); protocol.AsRefusal(err) == nil ||
		protocol.AsRefusal(err).Reason != protocol.TokenExpired {
		t.Errorf("an expired one: %v", err)
	}
}

func TestOutposts_SettingsThatCannotBeMeant(t *testing.T) {
	for want, tokens := range map[string][]auth.OutpostToken{
		"has 0 bytes":    {{Outpost: outpostA}},
		"has 513 bytes":  {{Outpost: outpostA, Token: strings.Repeat("x", 513)}},
		"is no uuid":     {{Outpost: "", Token: "hunter2"}},
		"is there twice": {{Outpost: outpostA, Token: "hunter2"}, {Outpost: outpostB, Token: "hunter2"}},
		"the limit is":   make([]auth.OutpostToken, auth.MaxOutposts+1),
	} {
		keys := withSecret()
		keys.Outposts = tokens
		_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": keys})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
