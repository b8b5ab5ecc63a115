package authentik

import (
	"net/http"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// R003.3. F35: of several cookies of the name the last counts, as in Django, whatever it is.
func TestCookie_IsFoundAmongWhatBrowsersSend(t *testing.T) {
	for header, want := range map[string]string{
		"authentik_session=abc":                        "abc",
		"a=b; authentik_session=abc; c=d":              "abc",
		"a=b;authentik_session=abc":                    "abc",
		";;  authentik_session = abc ;":                "abc",
		`authentik_session="abc"`:                      "abc",
		"authentik_session=a.b-c_d==":                  "a.b-c_d==",
		"authentik_session=; authentik_session=x":      "x",
		"authentik_session=x; authentik_session=y":     "y",
		"authentik_session=x; authentik_session=":      "",
		"authentik_session=x; authentik_session":       "x",
		"authentik_session=a b; authentik_session=y":   "y",
		"authentik_session=y; authentik_session=a b":   "",
		`authentik_session="x"; authentik_session="y"`: "y",
		"authentik_session=\x00; authentik_session=é":  "",
		"":                            "",
		"authentik_session":           "",
		"authentik_session=":          "",
		`authentik_session=""`:        "",
		`authentik_session="`:         `"`,
		"xauthentik_session=abc":      "",
		"authentik_session_x=abc":     "",
		"Authentik_Session=abc":       "",
		"other=authentik_session=abc": "",
		strings.Repeat("a=b; ", 1000) + "authentik_session=abc": "abc",
	} {
		if got := cookie(header, sessionCookie); got != want {
			t.Errorf("%.60q: got %q, want %q", header, got, want)
		}
	}
}

// R003.13
func TestBearer_Forms(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER  abc ": "abc", " Bearer abc": "abc",
		"Bearer a=b/c+d": "a=b/c+d",
		"":               "", "Bearer": "", "Bearer ": "", "abc": "", "Basic abc": "", "Bearerabc": "",
		"Bearer a b": "", "Bearer a\x00": "", "Bearer é": "",
		"Bearer:abc": "", "Token abc": "",
	} {
		if got := bearer(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// R003.11
func TestUUID_LowerCaseWithDashes(t *testing.T) {
	for text, want := range map[string]bool{
		one: true, id: true, "00000000-0000-0000-0000-000000000000": true,
		"": false, strings.ToUpper(one): false, strings.ReplaceAll(one, "-", ""): false, one + "0": false,
		one[1:]:         false,
		"{" + one + "}": false, "0fc6b9a6-2b44-4b0e-9d4a-3c2f7b6a1d1g": false,
		"0fc6b9a62-b44-4b0e-9d4a-3c2f7b6a1d11": false,
		"0fc6b9a6_2b44_4b0e_9d4a_3c2f7b6a1d11": false, "------------------------------------": false,
	} {
		if got := isUUID(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What is found in a header is in it, and is visible ASCII.
func FuzzHeader(f *testing.F) {
	f.Add(`a=b; authentik_session="abc"; c`)
	f.Add("Bearer abc")
	f.Fuzz(func(t *testing.T, header string) {
		for _, got := range []string{cookie(header, sessionCookie), bearer(header)} {
			if !strings.Contains(header, got) || !plain(got) {
				t.Fatalf("%q: %q", header, got)
			}
		}
	})
}

// F35: of several Authorization headers the last counts, as in the original, whose consumer makes a dictionary of them.
func TestOutpost_TheLastAuthorizationCounts(t *testing.T) {
	open := func(values ...string) (token string, refused bool) {
		h := http.Header{"Authorization": values}
		opened, refusal := NewOutpost(DefaultConfig()).Open(protocol.Handshake{Path: "/ws/outpost/" + one + "/",
			Pattern: "/ws/outpost/{uuid}/", Header: h.Get, Values: h.Values})
		if refusal != nil {
			return "", true
		}
		return opened.Credential.Token, false
	}
	if token, _ := open("Bearer a", "Bearer b"); token != "b" {
		t.Errorf("got %q", token)
	}
	if _, refused := open("Bearer a", "Basic b"); !refused {
		t.Error("the first counted")
	}
	if _, refused := open(); !refused {
		t.Error("none was let in")
	}
}
