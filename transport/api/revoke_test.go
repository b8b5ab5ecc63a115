package api

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

func TestRevoke_RevokesAUserOrAToken(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	for body, want := range map[string]grant.Revocation{
		`{"user":"42"}`:                   {User: "42"},
		`{"user":42,"before":1769860800}`: {User: "42", Before: noon},
		`{"jti":"t-1"}`:                   {TokenID: "t-1"},
		`{"user":"42","jti":"t-1","before":"2026-01-31T12:00:00Z"}`: {User: "42", TokenID: "t-1", Before: noon},
		`{"user":"7","jti":null,"before":null}`:                     {User: "7"},
	} {
		a := h.call("POST", "/api/v1/revoke", body)
		if got := h.node.revoked[len(h.node.revoked)-1]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %+v", body, got)
		}
		a.is(200, fmt.Sprintf(`{"closed":%d}`, len(h.node.users[want.User])))
	}
	for body, text := range map[string]string{
		``: "empty", `{}`: "user, or jti", `{"before":1}`: "user, or jti", `{"user":""}`: "user is empty",
		`{"user":[]}`: "user's id",
		`{"jti":5}`:   "jti must be a string", `{"user":1,"before":"x"}`: "RFC 3339",
		`{"all":true}`: "known are user, jti, before",
	} {
		h.call("POST", "/api/v1/revoke", body).refuses(protocol.Malformed, text)
	}
	h.call("POST", "/api/v1/revoke", strings.Repeat(" ", 5000)).refuses(protocol.TooLarge, "4096")
	if len(h.node.revoked) != 5 {
		t.Errorf("%d revocations", len(h.node.revoked))
	}
}

// F3: the same selectors remove a revocation, in the query or as the body that made it, and no other one.
func TestRevoke_DELETERemovesIt(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, c := range []struct{ made, query, body string }{
		{`{"user":"4 2"}`, "?user=4%202", ""},
		{`{"user":"42","jti":"t-1"}`, "?user=42&jti=t-1", ""},
		{`{"jti":"t-1"}`, "", `{"jti":"t-1"}`},
		{`{"user":42,"before":1769860800}`, "", `{"user":42,"before":1769860800}`},
	} {
		h.call("POST", "/api/v1/revoke", c.made).is(200, `{"closed":0}`)
		h.call("DELETE", "/api/v1/revoke?user=another", "").is(200, `{"removed":0}`)
		h.call("DELETE", "/api/v1/revoke"+c.query, c.body).is(200, `{"removed":1}`)
		h.call("DELETE", "/api/v1/revoke"+c.query, c.body).is(200, `{"removed":0}`)
	}
	for query, text := range map[string]string{"": "empty", "?user=": "user, or jti", "?all=1": "no parameter",
		"?user=%01": "user", "?user=1&user=2": "twice"} {
		h.call("DELETE", "/api/v1/revoke"+query, "").refuses(protocol.Malformed, text)
	}
}
