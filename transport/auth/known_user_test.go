package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func TestUnverified_IsForTenantsThatWantIt(t *testing.T) {
	credential := protocol.Credential{Form: protocol.Unverified, For: "7"}
	one(t, withSecret()).refusesCredential(t, protocol.InvalidToken, "acme", credential)
	keys := withSecret()
	keys.AllowUnverified, keys.AnonymousTopics = true, []string{"news"}
	b := one(t, keys)
	id := b.admits(t, "acme", credential)
	if id.User != "7" {
		t.Errorf("identity %+v", id)
	}
	checkTopics(t, id, "news")
	for _, wrong := range []protocol.Credential{
		{Form: protocol.Unverified}, {Form: protocol.Unverified, For: "a\nb"},
		{Form: protocol.Unverified, For: "7", Token: alice()},
	} {
		b.refusesCredential(t, protocol.InvalidToken, "acme", wrong)
	}
	b.refusesCredential(t, protocol.InvalidToken, auth.UnresolvedTenant, credential)
	b.revoke(t, "acme", auth.Revocation{User: "7"})
	b.refusesCredential(t, protocol.InvalidToken, "acme", credential)
}

// R004.28, R004.37: the token holds, but its user does not exist.
func TestKnown_AsksTheListThenTheBackend(t *testing.T) {
	known := protocol.Claims{Known: true}
	user := func(name string) string { return hs(live(fmt.Sprintf(`"sub":%q`, name))) }

	b := one(t, withSecret()) // no backend: everybody who has a token exists
	b.accepts(t, user("anyone"), known)

	listed := withSecret()
	listed.Users = []string{"alice"}
	b = one(t, listed)
	b.accepts(t, user("alice"), known)
	b.refuses(t, protocol.UnknownUser, user("bob"), known)
	b.accepts(t, user("bob")) // a dialect that does not ask
	b.refuses(t, protocol.InvalidToken, "garbage", known)
	if got := b.outcomes(); got["unknown_user"] != 1 {
		t.Errorf("outcomes %v", got)
	}
	listed.Users = []string{}
	one(t, listed).refuses(t, protocol.UnknownUser, user("alice"), known)

	there := &backend{knows: map[string]string{"user acme carol": `{"allow":true}`}}
	listed.Users = []string{"alice"}
	b = one(t, there.with(listed))
	b.accepts(t, user("alice"), known)
	for range 2 { // the second time the token and the answer are cached
		b.accepts(t, user("carol"), known)
		b.refuses(t, protocol.UnknownUser, user("bob"), known)
	}
	if want := "user acme carol,user acme bob"; strings.Join(there.asked, ",") != want {
		t.Errorf("asked %q, want %s", there.asked, want)
	}
	there.down = true
	b.isBusy(t, protocol.Credential{Token: user("dave"), Claims: known})
	b.accepts(t, user("carol"), known)
}
