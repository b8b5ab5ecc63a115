package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// codegraph, valtronics, endurain and airlay are the claims that the servers of these systems write.
const (
	codegraph = `{"sub":"u-17","jti":"0b9a","iat":%[1]d,"exp":%[2]d,"type":"%[3]s",` +
		`"scopes":["graph:read"],"role":"viewer"}`
	valtronics = `{"sub":"device-1","type":"device","exp":%[2]d}`
	endurain   = `{"sid":"8f14e45f","iss":"https://endurain.example","aud":"https://endurain.example","sub":7,` +
		`"scope":["profile","activities:read"],"iat":%[1]d,"nbf":%[1]d,"exp":%[2]d,"jti":"c9f0f895"}`
	airlay = `{"iat":%[1]d,"jti":"NlYqflG2rkg6fbYQW7zubBK4krjlLcJ/z3M13OjwJKg=","iss":"dev.airlay.ru",` +
		`"exp":%[2]d,"data":{"name":"a.kalinin","id":"5dad615eae019570fb4647ed"}}`
)

func seedClaims(form string, more ...any) string {
	text := fmt.Sprintf(form, append([]any{unix(-time.Minute), unix(time.Hour)}, more...)...)
	text, _, _ = strings.Cut(text, "%!(EXTRA")
	return text
}

// R000.3: a JWT as CodeGraph makes it; its refresh tokens open no socket.
func TestVerifier_CodeGraphTokens(t *testing.T) {
	b := one(t, withSecret())
	rules := protocol.Claims{Refuse: []string{"refresh"}}
	if id := b.accepts(t, hs(seedClaims(codegraph, "access")), rules); id.User != "u-17" || id.TokenID != "0b9a" {
		t.Errorf("identity %+v", id)
	}
	b.refuses(t, protocol.InvalidToken, hs(seedClaims(codegraph, "refresh")), rules)
}

// R001.50: a JWT as Valtronics makes it, with nothing but sub, type and exp.
func TestVerifier_ValtronicsTokens(t *testing.T) {
	b := one(t, withSecret())
	if id := b.accepts(t, hs(seedClaims(valtronics))); id.User != "device-1" || !id.Issued.IsZero() {
		t.Errorf("identity %+v", id)
	}
}

// R002.22: a JWT as Endurain makes it; all of its claims have to be there.
func TestVerifier_EndurainTokens(t *testing.T) {
	keys := withSecret()
	keys.Issuer, keys.Audience = "https://endurain.example", "https://endurain.example"
	b := one(t, keys)
	rules := protocol.Claims{Require: []string{"sid", "iss", "aud", "sub", "scope", "iat", "nbf", "exp", "jti"}}
	whole := seedClaims(endurain)
	if id := b.accepts(t, hs(whole), rules); id.User != "7" {
		t.Errorf("identity %+v", id)
	}
	for _, claim := range rules.Require {
		b.refuses(t, protocol.InvalidToken, hs(strings.Replace(whole, `"`+claim+`":`, `"no-`+claim+`":`, 1)), rules)
	}
	b.refuses(t, protocol.InvalidToken, hs(strings.Replace(whole, `"sid":"8f14e45f"`, `"sid":null`, 1)), rules)
}

// R004.8, R004.20, R004.36: a JWT as AirLay makes it, RS256 with 4096 bits, no sub, a jti of base64.
func TestVerifier_AirLayTokens(t *testing.T) {
	b := one(t, auth.TenantKeys{Keys: []auth.Key{{PEM: publicPEM(rsa4096().Public())}}, Issuer: "dev.airlay.ru"})
	rules := protocol.Claims{User: []string{"data.id"}}
	sign := func(claims string) string {
		return compact(jwt.SigningMethodRS256, rsa4096(), `{"typ":"JWT","alg":"RS256"}`, claims)
	}
	token := sign(seedClaims(airlay))
	if id := b.accepts(t, token, rules); id.User != "5dad615eae019570fb4647ed" ||
		id.TokenID != "NlYqflG2rkg6fbYQW7zubBK4krjlLcJ/z3M13OjwJKg=" {
		t.Errorf("identity %+v", id)
	}
	b.refuses(t, protocol.InvalidToken, token) // it has no sub

	// R004.27: the document's own token is of 2024. Its times signed by us have expired; with its signature, which is
	// none of ours (here as many bytes of another), it is invalid.
	printed := `{"iat":1711709116,"jti":"NlYqflG2rkg6fbYQW7zubBK4krjlLcJ/z3M13OjwJKg=","iss":"dev.airlay.ru",` +
		`"exp":1711716316,"data":{"name":"a.kalinin","id":"5dad615eae019570fb4647ed"}}`
	old := sign(printed)
	if len(old) != 948 {
		t.Errorf("the token has %d bytes, the document's 948", len(old))
	}
	b.refuses(t, protocol.TokenExpired, old, rules)
	parts, others := strings.Split(old, "."), strings.Split(token, ".")
	b.refuses(t, protocol.InvalidToken, parts[0]+"."+parts[1]+"."+others[2], rules)
}
