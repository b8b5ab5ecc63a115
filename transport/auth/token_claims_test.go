package auth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func unix(after time.Duration) int64 { return epoch.Add(after).Unix() }

// reliability.md check 13, the times; the leeway is 10 s.
func TestVerifier_TimesOfATokenAreChecked(t *testing.T) {
	const good, expired, invalid = protocol.Reason(""), protocol.TokenExpired, protocol.InvalidToken
	for claims, want := range map[string]protocol.Reason{
		fmt.Sprintf(`"exp":%d`, unix(time.Second)):     good,
		fmt.Sprintf(`"exp":%d.25`, unix(time.Second)):  good,
		fmt.Sprintf(`"exp":%d`, unix(-9*time.Second)):  good, // within the leeway
		fmt.Sprintf(`"exp":%d`, unix(-10*time.Second)): expired,
		fmt.Sprintf(`"exp":%d`, unix(-time.Hour)):      expired,
		`"exp":0`:    expired,
		`"iat":1`:    invalid, // no exp
		`"exp":null`: invalid,
		fmt.Sprintf(`"exp":"%d"`, unix(time.Hour)): invalid,
		`"exp":1e400`:        invalid,
		`"exp":1e300`:        invalid,
		`"exp":NaN`:          invalid,
		`"exp":Infinity`:     invalid,
		`"exp":-1`:           invalid,
		`"exp":true`:         invalid,
		`"exp":[4102444800]`: invalid,
		// milliseconds
		fmt.Sprintf(`"exp":%d`, epoch.Add(time.Hour).UnixMilli()):               invalid,
		fmt.Sprintf(`"exp":%d,"exp":%d`, unix(-time.Hour), unix(time.Hour)):     invalid,
		fmt.Sprintf(`"exp":%d,"nbf":%d`, unix(time.Hour), unix(9*time.Second)):  good,
		fmt.Sprintf(`"exp":%d,"nbf":%d`, unix(time.Hour), unix(11*time.Second)): invalid,
		fmt.Sprintf(`"exp":%d,"nbf":"x"`, unix(time.Hour)):                      invalid,
		fmt.Sprintf(`"exp":%d,"iat":%d`, unix(time.Hour), unix(9*time.Second)):  good,
		// F4: the time of issue does not say whether a token is good
		fmt.Sprintf(`"exp":%d,"iat":%d`, unix(time.Hour), unix(11*time.Second)):                   good,
		fmt.Sprintf(`"exp":%d,"iat":%d`, unix(time.Hour), unix(20*time.Second)):                   good,
		fmt.Sprintf(`"exp":%d,"iat":%d`, unix(time.Hour), unix(30*time.Minute)):                   good,
		fmt.Sprintf(`"exp":%d,"iat":%d,"nbf":%d`, unix(time.Hour), unix(0), unix(11*time.Second)): invalid,
		fmt.Sprintf(`"exp":%d,"iat":"yesterday"`, unix(time.Hour)):                                invalid,
		fmt.Sprintf(`"exp":%d,"iat":%d,"nbf":%d`, unix(time.Hour), unix(-1e9), unix(-2*1e9)):      good,
	} {
		t.Run(claims, func(t *testing.T) {
			b := one(t, withSecret())
			token := hs(`{"sub":"alice",` + claims + `}`)
			if want == good {
				b.accepts(t, token)
			} else {
				b.refuses(t, want, token)
			}
		})
	}
}

func TestVerifier_ExpiresIsExpAndForATokenInItsLeewayTheEndOfIt(t *testing.T) {
	b := one(t, withSecret())
	token := hs(fmt.Sprintf(`{"sub":"alice","iat":%d,"exp":%d}`, unix(0), unix(time.Minute)))
	id := b.accepts(t, token)
	if exp := epoch.Add(time.Minute); !id.Expires.Equal(exp) || !id.Issued.Equal(epoch) {
		t.Fatalf("expires %s, issued %s", id.Expires, id.Issued)
	}
	b.now = epoch.Add(65 * time.Second)
	if id = b.accepts(t, token); !id.Expires.Equal(epoch.Add(70 * time.Second)) {
		t.Fatalf("expires %s, want the end of the leeway", id.Expires)
	}
}

func TestVerifier_TenantMayAcceptTokensThatNeverExpire(t *testing.T) {
	keys := withSecret()
	keys.NeverExpire = true
	b := one(t, keys)
	if id := b.accepts(t, hs(`{"sub":"device-7"}`)); !id.Expires.IsZero() {
		t.Errorf("expires %s, want never", id.Expires)
	}
	b.refuses(t, protocol.TokenExpired, hs(`{"sub":"device-7","exp":1}`))
	b.refuses(t, protocol.InvalidToken, hs(`{"sub":"device-7","exp":"never"}`))
}

func TestVerifier_LeewayIsTheTenants(t *testing.T) {
	late := hs(fmt.Sprintf(`{"sub":"alice","exp":%d}`, unix(-time.Second)))
	later := hs(fmt.Sprintf(`{"sub":"alice","exp":%d}`, unix(-29*time.Second)))
	keys := withSecret()
	keys.Leeway = auth.NoLeeway
	one(t, keys).refuses(t, protocol.TokenExpired, late)
	keys.Leeway = auth.MaxLeeway
	one(t, keys).accepts(t, later)
}

// reliability.md check 13, issuer and audience.
func TestVerifier_IssuerAndAudienceAreTheTenants(t *testing.T) {
	keys := withSecret()
	keys.Issuer, keys.Audience = "https://id.example", "parley"
	b := one(t, keys)
	claims := func(iss, aud string) string { return hs(live(`"sub":"alice"`, `"iss":`+iss, `"aud":`+aud)) }
	b.accepts(t, claims(`"https://id.example"`, `"parley"`))
	b.accepts(t, claims(`"https://id.example"`, `["other","parley"]`))
	for _, token := range []string{
		claims(`"https://id.example"`, `["other"]`), claims(`"https://id.example"`, `[]`),
		claims(`"https://id.example"`, `"Parley"`),
		claims(`"https://id.example"`, `{"parley":1}`), claims(`"https://id.example"`, `null`),
		claims(`"https://id.example"`, `1`),
		claims(`"https://id.example.evil"`, `"parley"`), claims(`["https://id.example"]`, `"parley"`),
		claims(`null`, `"parley"`),
		hs(live(`"sub":"alice"`, `"aud":"parley"`)), hs(live(`"sub":"alice"`, `"iss":"https://id.example"`)),
	} {
		b.refuses(t, protocol.InvalidToken, token)
	}
}

// reliability.md check 13, the user.
func TestVerifier_UserIsATextOrAWholeNumber(t *testing.T) {
	b := one(t, withSecret())
	for claim, user := range map[string]string{
		`"alice"`: "alice", `"5dad615eae019570fb4647ed"`: "5dad615eae019570fb4647ed", `7`: "7", `0`: "0", `-7`: "-7",
		`"7"`:                            "7",
		`9007199254740993`:               "9007199254740993", // 2^53 + 1
		`123456789012345678901234567890`: "123456789012345678901234567890", `"\u0061lice"`: "alice", `"Ünal"`: "Ünal",
	} {
		if id := b.accepts(t, hs(live(`"sub":`+claim))); id.User != user {
			t.Errorf("sub %s is user %q, want %q", claim, id.User, user)
		}
	}
	for _, claim := range []string{
		`""`, `" "`, `"a\nb"`, `"a\u0000"`, `"a\u200b"`, `" alice"`, `null`, `true`, `[]`, `["alice"]`, `{}`, `1.5`,
		`1e3`, `-0`, `1E400`,
		`"` + strings.Repeat("u", 256) + `"`, `"\ud800"`,
	} {
		b.refuses(t, protocol.InvalidToken, hs(live(`"sub":`+claim)))
	}
	b.refuses(t, protocol.InvalidToken, hs(live()))
	b.refusesAsTooLarge(t, hs(live(`"sub":"`+strings.Repeat("u", 64<<10)+`"`)))
}

func TestVerifier_ClaimsThatAreNotOneStrictObjectAreRefused(t *testing.T) {
	b := one(t, withSecret())
	for _, claims := range []string{
		`[]`, `"alice"`, `null`, `{`, `{"sub":"alice"`, live(`"sub":"alice"`) + "x",
		live(`"sub":"alice"`, `"sub":"bob"`),
		live(`"sub":"alice"`, `"deep":{"a":1,"a":2}`), live(`"sub":"\xff"`), strings.Repeat("[", 5000),
	} {
		b.refuses(t, protocol.InvalidToken, hs(claims))
	}
}

func TestVerifier_UserClaimIsTheTenantsAndTheDialectsGoesBefore(t *testing.T) {
	keys := withSecret()
	keys.User = []string{"sub", "data.id"} // as in dev mode
	b := one(t, keys)
	nested := hs(live(`"data":{"id":"5dad615eae019570fb4647ed","name":"a.kalinin"}`))
	both := hs(live(`"sub":1`, `"data":{"id":"x"}`, `"https://id.example/user":"namespaced"`))
	for _, c := range []struct {
		token string
		rules []string
		user  string
	}{
		{nested, nil, "5dad615eae019570fb4647ed"}, {both, nil, "1"}, {both, []string{"data.id"}, "x"},
		{both, []string{"absent", "data.id"}, "x"}, {both, []string{"https://id.example/user"}, "namespaced"},
	} {
		if id := b.accepts(t, c.token, protocol.Claims{User: c.rules}); id.User != c.user {
			t.Errorf("by %v the user is %q, want %q", c.rules, id.User, c.user)
		}
	}
	for _, rules := range [][]string{{"data"}, {"data.id.deeper"}, {"absent"}, {"exp.x"}} {
		b.refuses(t, protocol.InvalidToken, both, protocol.Claims{User: rules})
	}
	// The first one present wins, even if it names nobody.
	b.refuses(t, protocol.InvalidToken, hs(live(`"sub":null`, `"data":{"id":"x"}`)))
}

func TestVerifier_TopicsAreTheTokensOrTheTenants(t *testing.T) {
	keys := withSecret()
	keys.Topics = []string{"public/*"}
	b := one(t, keys)
	for claim, want := range map[string][]protocol.Pattern{
		``:                                  {"public/*"},
		`"topics":[]`:                       {},
		`"topics":["*"]`:                    {"*"},
		`"topics":["a","a/b/*","rooms/7*"]`: {"a", "a/b/*", "rooms/7*"},
	} {
		further := []string{`"sub":"alice"`}
		if claim != "" {
			further = append(further, claim)
		}
		if id := b.accepts(t, hs(live(further...))); !slices.Equal(id.Topics, want) {
			t.Errorf("%s grants %q, want %q", claim, id.Topics, want)
		}
	}
	for _, claim := range []string{
		`"*"`, `null`, `{}`, `[1]`, `[""]`, `["a//b"]`, `["a","../b"]`, `["/*"]`, `["**"]`, `["a*b"]`, `["a/#"]`,
		`["a\n"]`, `[["a"]]`, `["a",null]`,
		`["` + strings.Repeat("t", 256) + `"]`, `[` + strings.Repeat(`"a",`, 256) + `"a"]`,
	} {
		b.refuses(t, protocol.InvalidToken, hs(live(`"sub":"alice"`, `"topics":`+claim)))
	}
	if id := one(t, withSecret()).accepts(t, alice()); !slices.Equal(id.Topics, []protocol.Pattern{"*"}) {
		t.Errorf("without settings a token grants %q, want everything in the tenant", id.Topics)
	}
}

func TestVerifier_OnlyTheTokenGrantsToPublish(t *testing.T) {
	b := one(t, withSecret())
	for claim, want := range map[string]string{
		`"topics":["*"]`: "", `"publish":[]`: "",
		`"publish":["a","b/*"]`: "a a/1 b/1", `"publish":["*"]`: "a a/1 b b/1",
	} {
		token := hs(live(`"sub":"alice"`, claim))
		for range 2 { // the second comes from the cache
			id, granted := b.accepts(t, token), []string(nil)
			for _, topic := range []string{"a", "a/1", "b", "b/1"} {
				if id.MayPublish(topic) {
					granted = append(granted, topic)
				}
				if !id.May(topic) {
					t.Errorf("%s takes the right to subscribe to %s away", claim, topic)
				}
			}
			if got := strings.Join(granted, " "); got != want {
				t.Errorf("%s grants to publish to %q, want %q", claim, got, want)
			}
		}
	}
	if id := b.accepts(t, hs(live(`"sub":"alice"`, `"topics":[]`, `"publish":["a"]`))); id.May("a") {
		t.Error("who may publish to a topic may subscribe to it without the right")
	}
	for _, claim := range []string{`"*"`, `null`, `[1]`, `["a//b"]`, `[` + strings.Repeat(`"a",`, 256) + `"a"]`} {
		b.refuses(t, protocol.InvalidToken, hs(live(`"sub":"alice"`, `"publish":`+claim)))
	}
}

func TestVerifier_TokenIDIsATextOrAWholeNumber(t *testing.T) {
	b := one(t, withSecret())
	const base64 = "NlYqflG2rkg6fbYQW7zubBK4krjlLcJ/z3M13OjwJKg="
	if id := b.accepts(t, hs(live(`"sub":"alice"`, `"jti":"`+base64+`"`))); id.TokenID != base64 {
		t.Errorf("jti is %q", id.TokenID)
	}
	for _, jti := range []string{`""`, `null`, `{}`, `"a\tb"`, `"` + strings.Repeat("j", 256) + `"`} {
		b.refuses(t, protocol.InvalidToken, hs(live(`"sub":"alice"`, `"jti":`+jti)))
	}
}

func TestVerifier_ARefusedTypeOpensNothing(t *testing.T) {
	b := one(t, withSecret())
	rules := protocol.Claims{Refuse: []string{"refresh"}}
	for _, claim := range []string{`"type":"access"`, `"typ":"Bearer"`, `"scopes":["refresh"]`} {
		b.accepts(t, hs(live(`"sub":"alice"`, claim)), rules)
	}
	for _, claim := range []string{`"type":"refresh"`, `"type":"Refresh"`, `"typ":"Refresh"`, `"token_type":"refresh"`,
		`"type":["refresh"]`, `"type":null`} {
		token := hs(live(`"sub":"alice"`, claim))
		b.accepts(t, token) // under other rules, and cached for those only
		b.refuses(t, protocol.InvalidToken, token, rules)
	}
}

func TestVerifier_AnonymousIsForDialectsThatLetItIn(t *testing.T) {
	keys := withSecret()
	keys.AnonymousTopics = []string{"projects"}
	b := one(t, keys)
	b.refuses(t, protocol.Unauthorized, "")
	id := b.accepts(t, "", protocol.Claims{Anonymous: true})
	if id.User != "" || !id.Expires.IsZero() || !slices.Equal(id.Topics, []protocol.Pattern{"projects"}) {
		t.Errorf("anonymous is %+v", id)
	}
	// A token that does not hold does not make an anonymous client.
	b.refuses(t, protocol.InvalidToken, "garbage", protocol.Claims{Anonymous: true})
	if id := one(t, withSecret()).accepts(t, "", protocol.Claims{Anonymous: true}); !slices.Equal(id.Topics,
		[]protocol.Pattern{"*"}) {
		t.Errorf("without settings an anonymous client may hear %q, want everything", id.Topics)
	}
}

// A user's token must not pass for a ticket or an outpost's key, whatever it says.
func TestVerifier_CredentialsThatAreNoJWTAreNotTakenForOne(t *testing.T) {
	b := one(t, withSecret())
	b.accepts(t, alice())
	for _, credential := range []protocol.Credential{
		{Token: alice(), Form: protocol.Ticket}, {Token: alice(), Form: protocol.Outpost, For: "x"},
		{Token: alice(), Form: protocol.Cookie},
		{Token: alice(), Form: "new"}, {Token: alice(), For: "x"},
		{Form: protocol.Ticket, Claims: protocol.Claims{Anonymous: true}},
	} {
		id, err := b.Authenticate(context.Background(), "acme", credential)
		checkRefusal(t, id, err, protocol.InvalidToken)
	}
}

// X.6: each system's key has its own issuer and audience, beside those of the tenant.
func TestVerifier_AKeyMayHaveAnIssuerAndAudienceOfItsOwn(t *testing.T) {
	b := one(t, auth.TenantKeys{Issuer: "usual", Keys: []auth.Key{
		{ID: "a", Secret: secret}, {ID: "b", Secret: otherSecret, Issuer: "own", Audience: "me"},
	}})
	sign := func(kid, with, claims string) string {
		return compact(jwt.SigningMethodHS256, []byte(with), `{"alg":"HS256","kid":"`+kid+`"}`,
			live(`"sub":"alice"`, claims))
	}
	b.accepts(t, sign("a", secret, `"iss":"usual"`))
	b.accepts(t, sign("b", otherSecret, `"iss":"own","aud":["me"]`))
	for _, token := range []string{
		sign("a", secret, `"iss":"own","aud":"me"`), sign("b", otherSecret, `"iss":"usual"`),
		sign("b", otherSecret, `"iss":"own"`),
	} {
		b.refuses(t, protocol.InvalidToken, token)
	}
	for _, kid := range []string{"a", "b"} { // tokens that Sign makes hold
		token, err := b.Sign("acme", auth.Grant{User: "alice", KeyID: kid})
		if err != nil {
			t.Fatal(err)
		}
		b.accepts(t, token)
	}
}
