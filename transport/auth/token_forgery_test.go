package auth_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// manyKeys is a tenant with one key of each family.
func manyKeys() auth.TenantKeys {
	return auth.TenantKeys{Keys: []auth.Key{
		{ID: "hs", Secret: secret},
		{ID: "rs", PEM: publicPEM(rsaKey().Public())},
		{ID: "es", PEM: publicPEM(p256().Public())},
		{ID: "es384", PEM: publicPEM(p384().Public())},
		{ID: "ed", PEM: publicPEM(edKey().Public())},
	}}
}

// algorithmForgeries are those of reliability.md check 11.
func algorithmForgeries() map[string]string {
	claims := live(`"sub":"mallory"`)
	good := alice()
	parts := strings.Split(good, ".")
	forged := map[string]string{
		"alg missing":         compact(jwt.SigningMethodHS256, []byte(secret), `{"typ":"JWT"}`, claims),
		"alg number":          compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":256}`, claims),
		"alg list":            compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":["HS256"]}`, claims),
		"alg twice":           compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"RS256","alg":"HS256"}`, claims),
		"alg lower case":      compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"hs256"}`, claims),
		"alg not the key's":   compact(jwt.SigningMethodHS512, []byte(secret), `{"alg":"HS512"}`, claims),
		"alg PS256":           compact(jwt.SigningMethodPS256, rsaKey(), `{"alg":"PS256"}`, claims),
		"alg RS512":           compact(jwt.SigningMethodRS512, rsaKey(), `{"alg":"RS512"}`, claims),
		"kid of another alg":  compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"rs"}`, claims),
		"RS256 for kid hs":    compact(jwt.SigningMethodRS256, rsaKey(), `{"alg":"RS256","kid":"hs"}`, claims),
		"HS384 said, by kid":  compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS384","kid":"hs"}`, claims),
		"RS512 said, by kid":  compact(jwt.SigningMethodRS256, rsaKey(), `{"alg":"RS512","kid":"rs"}`, claims),
		"other secret":        compact(jwt.SigningMethodHS256, []byte(otherSecret), `{"alg":"HS256"}`, claims),
		"empty key":           compact(jwt.SigningMethodHS256, []byte{}, `{"alg":"HS256"}`, claims),
		"zero key":            compact(jwt.SigningMethodHS256, make([]byte, 32), `{"alg":"HS256"}`, claims),
		"own RSA key":         compact(jwt.SigningMethodRS256, rsa4096(), `{"alg":"RS256"}`, claims),
		"header no JSON":      compact(jwt.SigningMethodHS256, []byte(secret), `alg=HS256`, claims),
		"header list":         compact(jwt.SigningMethodHS256, []byte(secret), `["HS256"]`, claims),
		"header with garbage": compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256"} x`, claims),
		"header too large": compact(jwt.SigningMethodHS256, []byte(secret),
			`{"alg":"HS256","x":"`+strings.Repeat("x", 1100)+`"}`, claims),
		"truncated signature": good[:len(good)-8],
		"no signature":        parts[0] + "." + parts[1] + ".",
		"two parts":           parts[0] + "." + parts[1],
		"one part":            parts[0],
		"only dots":           "..",
		"extra segment":       good + "." + parts[2],
		"extra dot":           good + ".",
		"JWE":                 b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.Y2lwaGVy.dGFn",
		"JWE with three": compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","enc":"A256GCM"}`,
			claims),
		"claims swapped":      parts[0] + "." + b64(claims) + "." + parts[2],
		"signature swapped":   parts[0] + "." + parts[1] + "." + strings.Split(hs(claims), ".")[2],
		"header swapped":      b64(`{"typ":"JWT","alg":"HS256"}`) + "." + parts[1] + "." + parts[2],
		"leading space":       " " + good,
		"trailing line break": good + "\n",
		"break in signature":  good[:len(good)-4] + "\n" + good[len(good)-4:],
		"padding":             good + "=",
		"Bearer":              "Bearer " + good,
		"no text":             "\x00\xff\xfe",
		"typ refresh": compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","typ":"refresh+jwt"}`,
			claims),
		"typ number": compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","typ":1}`, claims),
		"spare bits": spareBits(good),
	}
	for _, none := range []string{"none", "None", "nOnE", "NONE", ""} {
		header := fmt.Sprintf(`{"alg":%q}`, none)
		forged["alg "+none+", signature empty"] = b64(header) + "." + b64(claims) + "."
		forged["alg "+none+", signature kept"] = b64(header) + "." + b64(claims) + "." + parts[2]
		forged["alg "+none+", kid"] = b64(fmt.Sprintf(`{"alg":%q,"kid":"hs"}`, none)) + "." + b64(claims) + ".AA"
	}
	for form, public := range publicForms() {
		forged["HS256 by the RSA key in "+form] = compact(jwt.SigningMethodHS256, public, `{"alg":"HS256"}`, claims)
		forged["HS256 by the RSA key in "+form+", kid"] = compact(jwt.SigningMethodHS256, public,
			`{"alg":"HS256","kid":"rs"}`, claims)
	}
	return forged
}

// spareBits spells the same signature in another way, which a lenient decoder would take.
func spareBits(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

// publicForms are the forms in which everybody may have the RSA key.
func publicForms() map[string][]byte {
	public := publicPEM(rsaKey().Public())
	block, _ := pem.Decode(public)
	pkcs1 := x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)
	return map[string][]byte{
		"PEM":                         public,
		"PEM without last line break": []byte(strings.TrimSpace(string(public))),
		"DER":                         block.Bytes,
		"PKCS1 DER":                   pkcs1,
		"PKCS1 PEM":                   pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
	}
}

// reliability.md check 11: all are refused in the same way, without detail.
func TestVerifier_RefusesEveryForgeryInTheSameWay(t *testing.T) {
	b := one(t, manyKeys())
	forged := algorithmForgeries()
	for _, name := range slices.Sorted(maps.Keys(forged)) {
		t.Run(name, func(t *testing.T) { b.refuses(t, protocol.InvalidToken, forged[name]) })
	}
	b.accepts(t, alice())
	if n := b.Stats().CacheEntries; n != 1 {
		t.Errorf("%d tokens are cached, want the one that was accepted", n)
	}
}

// Neither a forgery nor its claims reach the log.
func TestVerifier_NoTokenAndNoClaimReachesTheLog(t *testing.T) {
	b := newFixture(t, auth.Config{WarnAfter: 2}, map[string]auth.TenantKeys{"acme": manyKeys()})
	for _, token := range algorithmForgeries() {
		_, _ = b.showToken("acme", token, protocol.Claims{})
		_, _ = b.showToken("nobody\nknows", token, protocol.Claims{})
	}
	b.accepts(t, alice())
	text := b.log.String()
	if !strings.Contains(text, "bad_signature") || !strings.Contains(text, "unknown_tenant") {
		t.Fatalf("the log does not tell outcomes:\n%s", text)
	}
	for _, hidden := range []string{"mallory", "alice", "eyJ", "nobody\\nknows\"", secret, "kid"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the log contains %q", hidden)
		}
	}
}

// refusesAsTooLarge wants a refusal that names the limit, and nothing else.
func (b *fixture) refusesAsTooLarge(t testing.TB, token string) {
	t.Helper()
	id, err := b.showToken("acme", token, protocol.Claims{})
	if refusal, ok := errors.AsType[*protocol.Refusal](err); !ok || id != nil ||
		*refusal != (protocol.Refusal{Reason: protocol.TooLarge, Detail: "the token has more than 8192 bytes"}) {
		t.Errorf("%d bytes: %+v", len(token), err)
	}
}

// F22: a token over the limit is refused with the limit, in every type of credential, whether it would hold or not; a
// token of exactly the limit holds.
func TestVerifier_ATokenThatIsTooLargeIsToldSo(t *testing.T) {
	b := one(t, manyKeys())
	padded := func(pad int) string {
		return compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"hs"}`,
			live(`"sub":"alice"`, `"x":"`+strings.Repeat("x", pad)+`"`))
	}
	pad := 0
	for len(padded(pad+1)) <= protocol.MaxToken {
		pad++
	}
	b.accepts(t, padded(pad))
	b.refusesAsTooLarge(t, padded(pad+3))
	b.refusesAsTooLarge(t, strings.Repeat("a.", 1<<19))
	for _, credentialType := range []protocol.CredentialType{protocol.Cookie, protocol.Ticket, protocol.Outpost,
		protocol.Unverified} {
		_, err := b.show("acme", protocol.Credential{Form: credentialType,
			Token: strings.Repeat("x", protocol.MaxToken+1)})
		if protocol.AsRefusal(err).Reason != protocol.TooLarge {
			t.Errorf("%s: %v", credentialType, err)
		}
	}
	if got := b.outcomes()["too_large"]; got != 6 {
		t.Errorf("counted %d", got)
	}
}

// reliability.md check 12: a kid chooses among the tenant's keys and does nothing else.
func TestVerifier_KidOnlyChoosesAmongTheKeysOfTheTenant(t *testing.T) {
	b := one(t, manyKeys())
	kids := map[string]string{
		"unknown": `"nobody"`, "path": `"../../dev/null"`, "file": `"/etc/passwd"`, "SQL": `"' OR 1=1 --"`,
		"URL": `"http://127.0.0.1:9/key"`, "long": `"` + strings.Repeat("k", 600) + `"`, "list": `["hs"]`,
		"object": `{"kid":"hs"}`,
		"number": `1`, "null": `null`, "empty": `""`, "true": `true`, "NUL": `"hs\u0000"`, "other case": `"HS"`,
	}
	for name, kid := range kids {
		t.Run(name, func(t *testing.T) {
			header := `{"alg":"HS256","kid":` + kid + `}`
			b.refuses(t, protocol.InvalidToken,
				compact(jwt.SigningMethodHS256, []byte(secret), header, live(`"sub":"mallory"`)))
			b.refuses(t, protocol.InvalidToken,
				compact(jwt.SigningMethodHS256, []byte{}, header, live(`"sub":"mallory"`)))
		})
	}
	huge := `{"alg":"HS256","kid":"` + strings.Repeat("k", 1<<20) + `"}`
	b.refusesAsTooLarge(t, compact(jwt.SigningMethodHS256, []byte(secret), huge, live(`"sub":"mallory"`)))
	b.accepts(t, compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"hs"}`, live(`"sub":"alice"`)))
}

// reliability.md check 12: headers that bring or point to keys are refused, even on a token that is signed as it should
// be, and nothing is fetched.
func TestVerifier_FetchesNothingThatATokenPointsTo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan string)
	go func() {
		defer close(calls)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls <- conn.RemoteAddr().String()
			_ = conn.Close()
		}
	}()
	b := one(t, manyKeys())
	url := "http://" + listener.Addr().String() + "/keys.json"
	own := base64.RawURLEncoding.EncodeToString([]byte(otherSecret))
	for header, value := range map[string]string{
		"jku": `"` + url + `"`, "x5u": `"` + url + `"`, "x5c": `["MIIB"]`, "jwk": `{"kty":"oct","k":"` + own + `"}`,
		"crit": `["exp"]`, "b64": `false`, "zip": `"DEF"`,
	} {
		head := `{"alg":"HS256","` + header + `":` + value + `}`
		for _, signKey := range []string{secret, otherSecret} {
			b.refuses(t, protocol.InvalidToken,
				compact(jwt.SigningMethodHS256, []byte(signKey), head, live(`"sub":"mallory"`)))
		}
		rs := `{"alg":"RS256","kid":"rs","` + header + `":` + value + `}`
		b.refuses(t, protocol.InvalidToken, compact(jwt.SigningMethodRS256, rsaKey(), rs, live(`"sub":"mallory"`)))
	}
	b.refuses(t, protocol.InvalidToken,
		compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"`+url+`"}`, live(`"sub":"mallory"`)))
	if got := b.outcomes(); got["bad_header"] != 21 || got["unknown_key"] != 1 {
		t.Errorf("outcomes %v", got)
	}
	_ = listener.Close()
	for from := range calls {
		t.Errorf("a connection came from %s", from)
	}
}

func TestVerifier_KnowsEveryAlgorithmByItsKey(t *testing.T) {
	keys := []struct {
		method  jwt.SigningMethod
		private any
		key     auth.Key
	}{
		{jwt.SigningMethodHS256, []byte(secret), auth.Key{Secret: secret}},
		{jwt.SigningMethodHS384, []byte(secret), auth.Key{Secret: secret, Algorithm: "HS384"}},
		{jwt.SigningMethodHS512, []byte(secret), auth.Key{Secret: secret, Algorithm: "HS512"}},
		{jwt.SigningMethodRS256, rsaKey(), auth.Key{PEM: publicPEM(rsaKey().Public())}},
		{jwt.SigningMethodRS384, rsaKey(), auth.Key{PEM: publicPEM(rsaKey().Public()), Algorithm: "RS384"}},
		{jwt.SigningMethodRS512, rsaKey(), auth.Key{PEM: publicPEM(rsaKey().Public()), Algorithm: "RS512"}},
		{jwt.SigningMethodES256, p256(), auth.Key{PEM: publicPEM(p256().Public())}},
		{jwt.SigningMethodES384, p384(), auth.Key{PEM: publicPEM(p384().Public())}},
		{jwt.SigningMethodEdDSA, edKey(), auth.Key{PEM: publicPEM(edKey().Public())}},
	}
	for i, pinned := range keys {
		b := one(t, auth.TenantKeys{Keys: []auth.Key{pinned.key}})
		for j, credential := range keys {
			token := compact(credential.method, credential.private, `{"alg":"`+credential.method.Alg()+`"}`,
				live(`"sub":"alice"`))
			if i == j {
				b.accepts(t, token)
			} else {
				b.refuses(t, protocol.InvalidToken, token)
			}
		}
	}
}
