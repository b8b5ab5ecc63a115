package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Grant says what a new token contains.
type Grant struct {
	// User goes into each claim that may name the user by the tenant's rules, so that in dev mode one token serves
	// every dialect.
	User string
	// Topics become the claim "topics"; nil leaves the claim out.
	Topics []string
	// Publish become the claim "publish"; nil leaves the claim out.
	Publish []string
	// TTL is the time from now to exp (default 1h); below 0 makes an expired token, for tests.
	TTL time.Duration
	// Claims is a JSON object with further claims, "" for none. It takes precedence, object by object.
	Claims string
	// KeyID is the kid of the key; "" is the tenant's first key that can sign.
	KeyID string
}

// tokenSigner signs tokens for one tenant.
type tokenSigner struct {
	tenant string
	user   []string // claims that name the user
	keys   []*key   // that can sign
}

// sign signs a token; see Verifier.Sign.
func (s *tokenSigner) sign(g Grant, now time.Time) (string, error) {
	k, err := s.key(g.KeyID)
	if err != nil {
		return "", err
	}
	content, err := s.claims(g, k, now)
	if err != nil {
		return "", err
	}
	unsigned := jwt.NewWithClaims(k.method, jwt.MapClaims(content))
	if k.id != "" {
		unsigned.Header["kid"] = k.id
	}
	signed, err := unsigned.SignedString(k.sign)
	if err != nil {
		return "", fmt.Errorf("sign for tenant %s with key %s: %w", protocol.Quote(s.tenant), protocol.Quote(k.id),
			err)
	}
	if len(signed) > protocol.MaxToken {
		return "", protocol.Refuse(protocol.TooLarge,
			"the token has %d bytes; the limit is %d, so leave out some claims or topics", len(signed),
			protocol.MaxToken)
	}
	return signed, nil
}

// key returns the key with this kid or, if id is "", the first key.
func (s *tokenSigner) key(id string) (*key, error) {
	for _, k := range s.keys {
		if id == "" || k.id == id {
			return k, nil
		}
	}
	if id == "" {
		return nil, protocol.Refuse(protocol.NotFound,
			"tenant %s has no key that can sign; it needs a secret or a private key in PEM", protocol.Quote(s.tenant))
	}
	return nil, protocol.Refuse(protocol.NotFound, "tenant %s has no key %s that can sign", protocol.Quote(s.tenant),
		protocol.Quote(id))
}

// claims returns the claims of a new token.
func (s *tokenSigner) claims(g Grant, by *key, now time.Time) (map[string]any, error) {
	if err := protocol.CheckName("user", g.User); err != nil {
		return nil, err
	}
	if g.TTL == 0 {
		g.TTL = time.Hour
	}
	content := map[string]any{"jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(g.TTL).Unix()}
	for claim, texts := range map[string][]string{"topics": g.Topics, "publish": g.Publish} {
		if texts == nil {
			continue
		}
		if _, err := patterns(texts); err != nil {
			return nil, protocol.Refuse(protocol.Malformed, "%s: %s", claim, err)
		}
		content[claim] = texts
	}
	if by.issuer != "" {
		content["iss"] = by.issuer
	}
	if by.audience != "" {
		content["aud"] = by.audience
	}
	for _, path := range s.user {
		merge(content, nest(path, g.User))
	}
	further, err := parseClaims(g.Claims)
	if err != nil {
		return nil, err
	}
	merge(content, further)
	return content, nil
}

// parseClaims reads further claims; numbers keep their digits.
func parseClaims(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	if _, err := rawjson.ReadObject([]byte(text)); err != nil {
		return nil, protocol.Refuse(protocol.Malformed, `claims must be one JSON object, such as {"role":"admin"}: %s`,
			err)
	}
	var further map[string]any
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&further); err != nil {
		return nil, protocol.Refuse(protocol.Malformed, `claims must be one JSON object, such as {"role":"admin"}`)
	}
	return further, nil
}

// nest returns the object in which path leads to value.
func nest(path, value string) map[string]any {
	outer, rest, ok := strings.Cut(path, ".")
	if !ok {
		return map[string]any{path: value}
	}
	return map[string]any{outer: nest(rest, value)}
}

// merge puts the members of from into into, object by object.
func merge(into, from map[string]any) {
	for name, value := range from {
		inner, ok1 := into[name].(map[string]any)
		other, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			merge(inner, other)
		} else {
			into[name] = value
		}
	}
}
