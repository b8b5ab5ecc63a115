package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

func enc(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// jwks is a set with a key of each kind, and three that are not for signatures.
func jwks() []byte {
	point := must(p256().PublicKey.Bytes())
	return fmt.Appendf(nil, `{"keys":[
		{"kty":"RSA","kid":"rs","use":"sig","alg":"RS256","n":%q,"e":"AQAB","x5c":["ignored"]},
		{"kty":"EC","kid":"es","crv":"P-256","x":%q,"y":%q},
		{"kty":"OKP","kid":"ed","crv":"Ed25519","alg":"EdDSA","key_ops":["verify"],"x":%q},
		{"kty":"oct","kid":"hs","alg":"HS384","k":%q},
		{"kty":"RSA","kid":"encrypts","use":"enc","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"},
		{"kty":"EC","kid":"k1","crv":"secp256k1","x":"AA","y":"AA"},
		{"kty":"post-quantum","kid":"pq"}
	]}`, enc(rsaKey().N.Bytes()), enc(point[1:33]), enc(point[33:]), enc(edKey().Public().(ed25519.PublicKey)),
		enc([]byte(secret)))
}

func TestKeys_AJWKSBringsKidAndAlgorithm(t *testing.T) {
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{JWKS: jwks()}}})
	claims := live(`"sub":"alice"`)
	head := func(alg, kid string) string { return `{"alg":"` + alg + `","kid":"` + kid + `"}` }
	b.accepts(t, compact(jwt.SigningMethodRS256, rsaKey(), head("RS256", "rs"), claims))
	b.accepts(t, compact(jwt.SigningMethodES256, p256(), head("ES256", "es"), claims))
	b.accepts(t, compact(jwt.SigningMethodEdDSA, edKey(), head("EdDSA", "ed"), claims))
	b.accepts(t, compact(jwt.SigningMethodHS384, []byte(secret), head("HS384", "hs"), claims))
	b.refuses(t, protocol.InvalidToken, compact(jwt.SigningMethodRS512, rsaKey(), head("RS512", "rs"), claims))
	b.refuses(t, protocol.InvalidToken, compact(jwt.SigningMethodHS256, []byte(secret), head("HS256", "hs"), claims))
	b.refuses(t, protocol.InvalidToken, compact(jwt.SigningMethodRS256, rsaKey(), head("RS256", "encrypts"), claims))
}

func TestKeys_EveryWayToWriteAPEMKey(t *testing.T) {
	rs, es := rsaKey(), p256()
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: epoch}
	certificate := block("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, rs.Public(), rs)))
	for name, text := range map[string][]byte{
		"PKIX": publicPEM(rs.Public()), "PKCS1": block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rs.PublicKey)),
		"certificate": certificate,
		"chain":       slices.Concat(certificate, certificate), "PKCS8": privatePEM(rs),
		"PKCS1 private":  block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs)),
		"with a comment": append([]byte("the key of 2026\n"), publicPEM(rs.Public())...),
	} {
		t.Run(name, func(t *testing.T) {
			one(t, auth.TenantKeys{Keys: []auth.Key{{PEM: text}}}).
				accepts(t, compact(jwt.SigningMethodRS256, rs, `{"alg":"RS256"}`, live(`"sub":"alice"`)))
		})
	}
	withParameters := slices.Concat(block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}),
		block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(es))))
	one(t, auth.TenantKeys{Keys: []auth.Key{{PEM: withParameters}}}).
		accepts(t, compact(jwt.SigningMethodES256, es, `{"alg":"ES256"}`, live(`"sub":"alice"`)))
}

// F24: a key of a set that cannot be used costs only that key, at the start and at each reload, with a warning; keys
// for encryption are skipped silently.
func TestKeys_OneThatCannotBeUsedIsLeftOutOfItsSet(t *testing.T) {
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	good := public("good", rsaKey())
	for says, bad := range map[string]string{
		"RSA key of 1024 bits":  public("weak", weak),
		`kind "post-quantum"`:   `{"kty":"post-quantum","kid":"pq"}`,
		`kind ""`:               `{"kid":"x"}`,
		`curve "secp256k1"`:     `{"kty":"EC","kid":"k1","crv":"secp256k1","x":"AA","y":"AA"}`,
		`curve "X25519"`:        `{"kty":"OKP","crv":"X25519","x":"AA"}`,
		"no point of its curve": `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`,
		"cannot be used with ES256": `{"kty":"RSA","alg":"ES256","n":"` + enc(rsaKey().N.Bytes()) +
			`","e":"AQAB"}`,
		`algorithm "PS256", which`: `{"kty":"RSA","alg":"PS256","n":"` + enc(rsaKey().N.Bytes()) +
			`","e":"AQAB"}`,
		"no n in base64url":              `{"kty":"RSA","n":"!","e":"AQAB"}`,
		"a secret of 1 bytes":            `{"kty":"oct","k":"AQ"}`,
		"kid that is no text":            `{"kty":"oct","kid":1,"k":"` + enc([]byte(secret)) + `"}`,
		"control or invisible":           `{"kty":"oct","kid":"a\nb","k":"` + enc([]byte(secret)) + `"}`,
		"no JSON object":                 `[1]`,
		"has the kid of a key before it": public("good", rsa4096()),
		`kid "own", which another key`:   public("own", rsa4096()),
		"":                               `{"kty":"RSA","use":"enc","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"}`,
	} {
		set := setOf(bad, good)
		if strings.Contains(says, "before it") {
			set = setOf(good, bad)
		}
		keys := auth.TenantKeys{Keys: []auth.Key{{ID: "own", Secret: secret}, {JWKS: []byte(set)}}}
		b := one(t, keys)
		b.accepts(t, signedBy("good", rsaKey()))
		b.accepts(t, compact(jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"own"}`,
			live(`"sub":"alice"`)))
		b.log.Reset()
		if err := b.Reload(map[string]auth.TenantKeys{"acme": keys}); err != nil {
			t.Errorf("%s: %v", says, err)
		}
		if warned := strings.ReplaceAll(b.log.String(), `\"`, `"`); strings.Contains(warned,
			"left out") != (says != "") || !strings.Contains(warned, says) || strings.Contains(warned, secret) {
			t.Errorf("want %q, the log says %s", says, warned)
		}
		b.accepts(t, signedBy("good", rsaKey()))
	}
}

// F24: a set without any usable key is an error that says why.
func TestKeys_ASetWithoutAnyThatCanBeUsedIsAnError(t *testing.T) {
	weak := public("weak", must(rsa.GenerateKey(rand.Reader, 1024)))
	k := auth.Key{JWKS: []byte(setOf(weak, weak, `{"kty":"RSA","use":"enc"}`))}
	if _, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": {Keys: []auth.Key{k}}}); err == nil ||
		!strings.Contains(err.Error(), "without a key that can check signatures") ||
		!strings.Contains(err.Error(), "1024 bits") {
		t.Errorf("%v", err)
	}
}

// Errors of configuration name tenant, key, problem and way out, and no secret.
func TestKeys_ErrorsNameTheKeyTheProblemAndTheWayOut(t *testing.T) {
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	set := func(members string) auth.Key { return auth.Key{JWKS: []byte(`{"keys":[{` + members + `}]}`)} }
	for says, k := range map[string]auth.Key{
		"exactly one of":                      {},
		"exactly one":                         {Secret: secret, JWKS: []byte("{}")},
		"31 bytes; at least 32":               {Secret: secret[:31]},
		"give it as a public key file":        {Secret: string(publicPEM(rsaKey().Public()))},
		"ends with a line break":              {Secret: secret + "\n"},
		"RSA key of 1024 bits; it needs 2048": {PEM: publicPEM(weak.Public())},
		"RSA key of 1024 bits":                set(`"kty":"RSA","n":"` + enc(weak.N.Bytes()) + `","e":"AQAB"`),
		"exponent that is not odd":            set(`"kty":"RSA","n":"` + enc(rsaKey().N.Bytes()) + `","e":"AQ"`),
		"more than 31 bits": set(`"kty":"RSA","n":"` + enc(rsaKey().N.Bytes()) +
			`","e":"AQAAAAAAAAAB"`),
		"use P-256 (ES256) or P-384":  {PEM: publicPEM(p521.Public())},
		"known are HS256":             {Secret: secret, Algorithm: "none"},
		`"hs256", which is not known`: {Secret: secret, Algorithm: "hs256"},
		"HS256 or HS384 or HS512":     {Secret: secret, Algorithm: "RS256"},
		"RS256 or RS384 or RS512":     {PEM: publicPEM(rsaKey().Public()), Algorithm: "HS256"},
		"cannot be used with ES384":   {PEM: publicPEM(p256().Public()), Algorithm: "ES384"},
		"-----BEGIN":                  {PEM: []byte("c2VjcmV0")},
		"more than one key": {PEM: slices.Concat(publicPEM(rsaKey().Public()),
			publicPEM(p256().Public()))},
		"cannot be read": {PEM: []byte(
			"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")},
		"is encrypted": {PEM: []byte(
			"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")},
		`type "DH PARAMETERS"`: {PEM: []byte(
			"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n")},
		"is larger than":                       {PEM: make([]byte, 2<<20)},
		"control or invisible":                 {Secret: secret, ID: "a\nb"},
		"brings its own kid":                   {JWKS: jwks(), ID: "k"},
		"not one JSON object":                  {JWKS: []byte(`[]`)},
		`no list "keys"`:                       {JWKS: []byte(`{"keys":{}}`)},
		"keys[0] (kid \"\") is no JSON object": {JWKS: []byte(`{"keys":[1]}`)},
		"without a key that can check":         {JWKS: []byte(`{"keys":[]}`)},
		"a key that can check signatures":      set(`"kty":"RSA","use":"enc"`),
		"has no n in base64url":                set(`"kty":"RSA","n":"!","e":"AQAB"`),
		"is no point of its curve":             set(`"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"`),
		"an Ed25519 key has 32":                set(`"kty":"OKP","crv":"Ed25519","x":"AQ"`),
		`(kid "k") has a secret of 1 bytes`:    set(`"kty":"oct","kid":"k","k":"AQ"`),
		"kid that is no text":                  set(`"kty":"oct","kid":1,"k":"` + enc([]byte(secret)) + `"`),
		"cannot be used with HS256": set(`"kty":"RSA","alg":"HS256","n":"` + enc(rsaKey().N.Bytes()) +
			`","e":"AQAB"`),
	} {
		_, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": {Keys: []auth.Key{k}}})
		switch {
		case err == nil:
			t.Errorf("accepted; want an error with %q", says)
		case !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), `tenant "acme": key 1 (kid `):
			t.Errorf("%v; want it to say %q", err, says)
		case strings.Contains(err.Error(), secret[:20]) || strings.Contains(err.Error(), "\n"):
			t.Errorf("the error holds a secret or a line break: %q", err)
		}
	}
}

func TestTenant_SettingsAreChecked(t *testing.T) {
	many := make([]auth.Key, auth.MaxKeys+1)
	for i := range many {
		many[i] = auth.Key{Secret: secret}
	}
	for says, keys := range map[string]auth.TenantKeys{
		`kid "k", which another key`: {Keys: []auth.Key{{ID: "k", Secret: secret},
			{ID: "k", PEM: publicPEM(rsaKey().Public())}}},
		"more than 64 keys":       {Keys: many},
		"at most 30s":             {Leeway: 31 * time.Second},
		"leeway is -2s":           {Leeway: -2 * time.Second},
		`topics: "a b/" is no`:    {Topics: []string{"a b/"}},
		`anonymous topics: "a**"`: {AnonymousTopics: []string{"a**"}},
		`user claim "data."`:      {User: []string{"data."}},
		`user claim ""`:           {User: []string{""}},
	} {
		if _, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"acme": keys}); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
	if _, err := auth.New(auth.Config{CacheEntries: -1}, nil); err == nil {
		t.Error("a cache of -1 entries was accepted")
	}
	if _, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"": {}}); err == nil {
		t.Error("a tenant without name was accepted")
	}
}

func TestKeys_AreKeptOutOfMessages(t *testing.T) {
	keys := auth.TenantKeys{Keys: []auth.Key{{ID: "k", Secret: secret, PEM: []byte(secret)}}}
	b := one(t, withSecret())
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v", keys, keys, keys), fmt.Sprint(keys.Keys[0]),
		fmt.Sprintf("%v %s", b.Verifier, b.Verifier),
		must(auth.NewAPIKeys(map[string][]string{"acme": {secret}})).String(),
	} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprint([]byte(secret)[:8])[1:20]) {
			t.Errorf("a key shows in %s", text)
		}
	}
}
