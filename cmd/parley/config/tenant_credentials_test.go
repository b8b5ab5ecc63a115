package config

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/notify"
	"github.com/parley-realtime/parley/transport/auth"
)

const anOutpost = "0f5d2c1a-0000-4000-8000-00000000000a"

// everything is a tenant with all that lets in beside tokens; %s is the directory of its files.
const everything = `
tenants:
  - name: acme
    api_keys: [0123456789abcdef0123]
    keys:
      - {secret: 0123456789abcdef0123456789abcdef-not-a-secret, issuer: https://one, audience: https://two}
    cookie:
      secret_keys: [0123456789abcdef0123456789abcdef-cookie-1]
      secret_key_file: %[1]s/cookie
      tokens: true
    outposts:
      - {uuid: 0f5d2c1a-0000-4000-8000-00000000000a, token: 0123456789abcdef-a, expires: "2027-01-31T00:00:00Z"}
      - {uuid: 0f5d2c1a-0000-4000-8000-00000000000b, token_file: %[1]s/outpost}
    users: [alice]
    users_file: %[1]s/users
    unproven: true
    introspection:
      url: https://backend.example/parley
      secret_file: %[1]s/secret
      ask: [session]
      topics: [datasetUpdate/*, uploadFile/*]
      positive_ttl: 2m
      failure: allow-cached
`

// credentialFiles writes the files that the tenant with everything names.
func credentialFiles(t *testing.T) string {
	t.Helper()
	path := write(t, "cookie", "0123456789abcdef0123456789abcdef-cookie-2\n")
	dir := filepath.Dir(path)
	for name, text := range map[string]string{
		"outpost": "0123456789abcdef-b\r\n", "users": "bob\n\n  carol  \n", "secret": "0123456789abcdef-secret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTenant_TokenKeysHaveAllThatLetsIn(t *testing.T) {
	c := mustLoad(t, fmt.Sprintf(everything, credentialFiles(t)))
	keys, err := c.Tenants[0].TokenKeys()
	if err != nil {
		t.Fatal(err)
	}
	if k := keys.Keys[0]; k.Issuer != "https://one" || k.Audience != "https://two" {
		t.Errorf("key %+v, issuer %q, audience %q", k, k.Issuer, k.Audience)
	}
	if s := keys.Cookie.Secrets; len(s) != 2 || !strings.HasSuffix(s[1], "cookie-2") || !keys.Cookie.Tokens {
		t.Errorf("%d cookie secrets", len(s))
	}
	if o := keys.Outposts; len(o) != 2 || o[1].Token != "0123456789abcdef-b" ||
		!o[0].Expires.Equal(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("outposts %+v", o)
	}
	if got := strings.Join(keys.Users, ","); got != "alice,bob,carol" {
		t.Errorf("users %s", got)
	}
	in := keys.Introspection
	if in.Secret != "0123456789abcdef-secret" || in.PositiveTTL != 2*time.Minute || in.NegativeTTL != 10*time.Second ||
		in.Failure != "allow-cached" || len(in.Ask) != 1 {
		t.Errorf("introspection: ttl %s and %s, failure %s, ask %q", in.PositiveTTL, in.NegativeTTL, in.Failure, in.Ask)
	}
	if !keys.AllowUnverified {
		t.Error("unproven is off")
	}
	if bare, err := mustLoad(t, tenantYAML).Tenants[0].TokenKeys(); err != nil || bare.Users != nil ||
		bare.AllowUnverified ||
		bare.Cookie.Tokens || bare.Introspection.Enabled() {
		t.Errorf("what is not said is %+v, %v", bare, err)
	}
}

// reliability.md check 56 for what lets in beside tokens.
func TestLoad_EveryProblemOfAdmissionHasItsLine(t *testing.T) {
	const good = "tenants:\n  - name: a\n"
	introspection := good + "    introspection:\n      url: https://x.example/\n      secret: 0123456789abcdef\n"
	for _, c := range []struct{ text, want string }{
		{good + "    cookie:\n      secret_keys: [short]\n",
			"parley.yaml:3: tenants[0].cookie: cookie secret 1 has 5 bytes"},
		{good + "    cookie:\n      secret_key_file: none\n",
			"parley.yaml:4: tenants[0].cookie.secret_key_file: its secret_key_file no such file"},
		{good + "    outposts:\n      - {uuid: x, token: 0123456789abcdef}\n",
			"parley.yaml:4: tenants[0].outposts[0].uuid: must be a uuid"},
		{good + "    outposts:\n      - {uuid: '*', token: 0123456789abcdef}\n",
			"parley.yaml:4: tenants[0].outposts[0].uuid: must be a uuid"},
		{good + "    outposts:\n      - {uuid: " + anOutpost + "}\n",
			"parley.yaml:4: tenants[0].outposts[0]: needs exactly one of token, token_file"},
		{good + "    outposts:\n      - {uuid: " + anOutpost + ", token: hunter2}\n",
			"parley.yaml:4: tenants[0].outposts[0]: has a token of 7 bytes"},
		{good + "    outposts:\n      - {uuid: " + anOutpost + ", token: 0123456789abcdef, expires: soon}\n",
			"parley.yaml:4: tenants[0].outposts[0]: expires must be"},
		{good + "    outposts:\n      - {uuid: " + anOutpost + ", token_file: none}\n",
			"parley.yaml:4: tenants[0].outposts[0]: its token_file no such file"},
		{good + "    outposts:\n      - {uuid: " + anOutpost + ", token: 0123456789abcdef}\n      - {uuid: " +
			anOutpost + ", token: 0123456789abcdef}\n",
			"parley.yaml:5: tenants[0].outposts[1]: has a token that is there twice"},
		{good + "    users_file: none\n", "parley.yaml:3: tenants[0].users_file: no such file"},
		{good + "    introspection:\n      topics: [a/*]\n", "parley.yaml:3: tenants[0].introspection.url: is missing"},
		{strings.Replace(introspection, "https", "ftp", 1),
			"parley.yaml:4: tenants[0].introspection.url: must be an address"},
		{strings.Replace(introspection, "0123456789abcdef", "hunter2", 1),
			"parley.yaml:5: tenants[0].introspection.secret: has 7 bytes"},
		{introspection + "      secret_file: x\n",
			"parley.yaml:5: tenants[0].introspection.secret: is set beside secret_file"},
		{introspection + "      ask: [access]\n",
			"parley.yaml:6: tenants[0].introspection.ask: must be of session, user, outpost"},
		{introspection + "      topics: ['a//b']\n", "parley.yaml:6: tenants[0].introspection.topics: "},
		{introspection + "      timeout: 0s\n", "parley.yaml:6: tenants[0].introspection.timeout: is 0s"},
		{introspection + "      budget: 20s\n",
			"parley.yaml:6: tenants[0].introspection.budget: is 20s; it goes from 10ms to 9s"},
		{introspection + "      tries: 0\n", "parley.yaml:6: tenants[0].introspection.tries: is 0"},
		{introspection + "      failure: allow\n",
			"parley.yaml:6: tenants[0].introspection.failure: must be one of deny, allow-cached"},
		{introspection + "      urll: x\n", `tenants[0].introspection.urll: unknown key; did you mean "url"?`},
	} {
		var lines []string
		for _, p := range load(t, c.text).Problems {
			lines = append(lines, p.String())
		}
		all := strings.Join(lines, "\n")
		if !strings.Contains(all, c.want) {
			t.Errorf("%s\nwant %q, got\n%s", c.text, c.want, all)
		}
		if strings.Contains(all, "hunter2") {
			t.Errorf("a secret is in %s", all)
		}
	}
}

// Dev mode: the one secret serves the tokens of every dialect, and any outpost token is `dev`.
func TestDev_OneSecretServesEveryFormOfCredential(t *testing.T) {
	keys, err := Load(Sources{Protocols: protocols.All, Dev: true}).Config.Tenants[0].TokenKeys()
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{DevTenant: keys})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(secret, claims string) string {
		k := auth.TenantKeys{Keys: []auth.Key{{Secret: secret}}}
		signer, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"x": k})
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign("x", auth.Grant{User: "alice", Claims: claims})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	sum := sha512.Sum512([]byte(DevSecret))
	const session = `{"iss":"authentik","sid":"s-1","authenticated":true,"acr":"x"}`
	airlay := protocol.Claims{User: []string{"data.id", "sub"}, Known: true}
	for name, c := range map[string]struct {
		shown protocol.Credential
		user  string
	}{
		"a token": {protocol.Credential{Token: sign(DevSecret, `{"iss":"any","aud":"any"}`)},
			"alice"},
		"sub as a number": {protocol.Credential{Token: sign(DevSecret, `{"sub":7}`)}, "7"},
		"data.id": {protocol.Credential{Token: sign(DevSecret,
			`{"data":{"id":"5dad615eae019570fb4647ed"}}`), Claims: airlay}, "5dad615eae019570fb4647ed"},
		"any AirLay user exists": {protocol.Credential{Token: sign(DevSecret, ""), Claims: airlay}, "alice"},
		"a token as cookie":      {protocol.Credential{Form: protocol.Cookie, Token: sign(DevSecret, "")}, "alice"},
		"a session cookie": {protocol.Credential{Form: protocol.Cookie, Token: sign(DevSecret, session)},
			"alice"},
		"one as authentik signs it": {protocol.Credential{Form: protocol.Cookie,
			Token: sign(hex.EncodeToString(sum[:]), session)}, "alice"},
		"an outpost": {protocol.Credential{Form: protocol.Outpost, Token: "dev", For: anOutpost},
			"outpost:" + anOutpost},
		"whom notify lets say so": {protocol.Credential{Form: protocol.Unverified, For: "7"}, "7"},
		"an anonymous dashboard":  {protocol.Credential{Claims: protocol.Claims{Anonymous: true}}, ""},
		"no claims of notify at all": {protocol.Credential{Token: sign(DevSecret, ""),
			Claims: protocol.Claims{Refuse: []string{"refresh"}}}, "alice"},
	} {
		id, err := v.Authenticate(context.Background(), DevTenant, c.shown)
		if err != nil || id.User != c.user {
			t.Errorf("%s: %+v, %v", name, id, err)
			continue
		}
		if c.shown.Form == protocol.Token &&
			v.Authorize(context.Background(), DevTenant, id, "datasetUpdate/x") != nil {
			t.Errorf("%s: may not attach to everything", name)
		}
	}
	if of[notify.Config](&Load(Sources{Protocols: protocols.All, Dev: true}).Config).StrictClaims {
		t.Error("notify's strict claims are on in dev mode")
	}
	if _, err := v.Authenticate(context.Background(), DevTenant,
		protocol.Credential{Form: protocol.Outpost, Token: "devil", For: anOutpost}); err == nil {
		t.Error("any outpost token is accepted")
	}
}
