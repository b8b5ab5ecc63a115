package auth

import (
	"encoding/base64"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Bounds of a token.
const (
	// maxHeader bounds the decoded header, in bytes.
	maxHeader = 1 << 10
	// maxTried bounds the signatures that are checked for one token.
	maxTried = 8
)

// token is a JWT in compact form (RFC 7515 section 3.1) about which nothing is verified yet.
type token struct {
	algorithm string
	kid       string // "" for none
	signed    string // the header and claims as they came, which the signature covers
	claims    string // base64url, not decoded before the signature holds
	signature []byte
}

// dangerous are headers by which a token could influence how it is checked.
var dangerous = []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"}

var base64url = base64.RawURLEncoding.Strict()

// parse splits a token. It accepts exactly what an issuer writes: three parts of base64url without padding, line breaks
// or spare bits, so that each signature has one spelling.
func parse(text string) (token, Outcome) {
	header, rest, _ := strings.Cut(text, ".")
	claims, signature, ok := strings.Cut(rest, ".")
	if !ok || claims == "" || signature == "" || !isBase64url(header) || !isBase64url(claims) ||
		!isBase64url(signature) {
		return token{}, Malformed
	}
	if base64url.DecodedLen(len(header)) > maxHeader {
		return token{}, BadHeader
	}
	t := token{signed: text[:len(header)+1+len(claims)], claims: claims}
	raw, err := base64url.DecodeString(header)
	if err != nil {
		return token{}, Malformed
	}
	if outcome := t.readHeader(raw); outcome != Accepted {
		return token{}, outcome
	}
	if t.signature, err = base64url.DecodeString(signature); err != nil {
		return token{}, Malformed
	}
	return t, Accepted
}

func (t *token) readHeader(raw []byte) Outcome {
	header, err := rawjson.ReadObject(raw)
	if err != nil {
		return Malformed
	}
	for _, name := range dangerous {
		if rawjson.Find(header, name) != nil {
			return BadHeader
		}
	}
	if !isAccessToken(rawjson.Find(header, "typ")) {
		return BadHeader
	}
	t.algorithm, _ = rawjson.Text(rawjson.Find(header, "alg"))
	if algorithms[t.algorithm] == nil {
		return BadAlgorithm
	}
	if kid := rawjson.Find(header, "kid"); kid != nil {
		var ok bool
		if t.kid, ok = rawjson.Text(kid); !ok || t.kid == "" || len(t.kid) > protocol.MaxName {
			return UnknownKey
		}
	}
	return Accepted
}

// isAccessToken checks the header typ, so that a token made for another purpose with the same key (logout+jwt,
// dpop+jwt, a refresh token) is not taken for an access token (RFC 8725 section 3.11).
func isAccessToken(typ []byte) bool {
	if typ == nil {
		return true
	}
	text, _ := rawjson.Text(typ)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return text == "jwt" || text == "at+jwt"
}

// isBase64url is stricter than encoding/base64, which skips line breaks.
func isBase64url(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
