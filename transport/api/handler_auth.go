package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// maxKey is how long an API key may be, in bytes.
const maxKey = 512

// queryKeys are query parameters in which a client might send a key.
var queryKeys = map[string]bool{
	"key": true, "api_key": true, "apikey": true, "api-key": true, "x-api-key": true, "token": true,
	"access_token": true, "authorization": true, "bearer": true, "secret": true,
}

// authenticate checks the key of a backend or an operator, and finds the tenant. The calls of users and outposts check
// the tokens themselves.
func (a *API) authenticate(p principal, rc *requestContext) error {
	if tenant, ok := rc.r.Context().Value(trusted{}).(string); ok && (p == backend || p == operator) {
		rc.tenant = tenant
		return nil
	}
	switch p {
	case backend:
		return a.authenticateBackend(rc)
	case operator:
		return a.authenticateOperator(rc)
	case admin:
		return a.authenticateAdmin(rc)
	case user, outpost:
		rc.tenant = a.cfg.Tenant(rc.r)
		if rc.tenant == "" {
			return protocol.Refuse(protocol.NotFound, "no tenant is served here")
		}
	}
	return nil
}

// trusted is the key under which a request's context has the tenant that Trust names.
type trusted struct{}

// Trust returns a request that needs no key, since its caller has checked who makes it: as a backend's call it is for
// this tenant, as an operator's it is let in. No rate limit holds for it.
func Trust(r *http.Request, tenant string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), trusted{}, tenant))
}

// authenticateOperator checks the admin key; to look at something, the viewer key is enough. Without an admin key the
// address alone protects operators' calls, and a web page in a browser on this machine must not reach them all the
// same.
func (a *API) authenticateOperator(rc *requestContext) error {
	if a.cfg.AdminKey == "" {
		switch {
		case a.cfg.AdminKeyOnly:
			return protocol.Refuse(protocol.Forbidden,
				"this address is not loopback; set api.admin_key to let operators in")
		case len(rc.r.Header["Origin"]) > 0 || len(rc.r.Header["Sec-Fetch-Site"]) > 0:
			return protocol.Refuse(protocol.Forbidden, "not from a web page; set api.admin_key to allow that")
		}
		return nil
	}
	key, err := apiKey(rc.r)
	if err != nil {
		return err
	}
	switch looks := rc.r.Method == http.MethodGet || rc.r.Method == http.MethodHead; {
	case SameKey(key, a.cfg.AdminKey), looks && SameKey(key, a.cfg.ViewerKey):
		return nil
	case SameKey(key, a.cfg.ViewerKey):
		return protocol.Refuse(protocol.Forbidden, "the viewer key changes nothing; this call needs the admin key")
	}
	return protocol.Refuse(protocol.InvalidToken, "invalid admin key")
}

// authenticateAdmin checks the admin key for what a viewer may not even look at.
func (a *API) authenticateAdmin(rc *requestContext) error {
	if err := a.authenticateOperator(rc); err != nil || a.cfg.AdminKey == "" {
		return err
	}
	if key, _ := apiKey(rc.r); !SameKey(key, a.cfg.AdminKey) {
		return protocol.Refuse(protocol.Forbidden, "the viewer key does not show this; the call needs the admin key")
	}
	return nil
}

// SameKey compares a key that somebody shows with the one that is wanted, in constant time. An empty one is no key.
func SameKey(shown, wanted string) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(wanted))
	return wanted != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// bearer returns the token that a user or an outpost shows in the one Authorization header.
func bearer(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", &protocol.Refusal{Reason: protocol.Unauthorized}
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if token = strings.Trim(token, " "); len(lines) > 1 || token == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", &protocol.Refusal{Reason: protocol.Unauthorized}
	}
	if len(token) > protocol.MaxToken {
		return "", protocol.Refuse(protocol.TooLarge,
			"the token has %d bytes; the limit is %d", len(token), protocol.MaxToken)
	}
	return token, nil
}

// authenticateBackend finds the tenant of the request's API key, and counts the request against the key's rate limit.
func (a *API) authenticateBackend(rc *requestContext) error {
	key, err := apiKey(rc.r)
	if err != nil {
		return err
	}
	tenant, ok := a.keys.Tenant(key)
	if !ok {
		return protocol.Refuse(protocol.InvalidToken, "invalid API key")
	}
	rc.tenant = tenant
	limiter, refusal := a.quota.Load().take(key)
	if refusal != nil {
		return refusal
	}
	rc.limiter = limiter
	return nil
}

// apiKey returns the one key that a request shows.
func apiKey(r *http.Request) (string, error) {
	if r.URL.RawQuery != "" && keyInQuery(r.URL.RawQuery) {
		return "", protocol.Refuse(protocol.InvalidToken,
			"an API key belongs in the Authorization or X-API-Key header; "+
				"one that was part of a URL should be replaced")
	}
	bearer, plain := r.Header["Authorization"], r.Header["X-Api-Key"]
	if len(bearer) > 1 || len(plain) > 1 {
		return "", protocol.Refuse(protocol.InvalidToken, "more than one API key")
	}
	key := ""
	if len(bearer) == 1 {
		scheme, rest, _ := strings.Cut(bearer[0], " ")
		known := strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "apikey") // of Centrifugo's backends
		if key = strings.Trim(rest, " "); key == "" || !known {
			return "", protocol.Refuse(protocol.InvalidToken, "the Authorization header must be: Bearer KEY")
		}
	}
	if len(plain) == 1 {
		if key != "" && key != plain[0] {
			return "", protocol.Refuse(protocol.InvalidToken,
				"Authorization and X-API-Key hold different keys; send one")
		}
		key = plain[0]
	}
	switch {
	case key == "":
		return "", protocol.Refuse(protocol.Unauthorized,
			"an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY")
	case len(key) > maxKey:
		return "", protocol.Refuse(protocol.InvalidToken, "invalid API key")
	}
	return key, nil
}

// keyInQuery reports whether a query has one of the queryKeys.
func keyInQuery(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if queryKeys[strings.ToLower(name)] {
			return true
		}
	}
	return false
}

// challenge is the WWW-Authenticate header of a 401.
func challenge(reason protocol.Reason) string {
	if reason == protocol.Unauthorized {
		return `Bearer realm="parley"`
	}
	return `Bearer realm="parley", error="invalid_token"`
}
