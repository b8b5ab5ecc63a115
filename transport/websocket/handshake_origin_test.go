package websocket

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// F29: each kind of entry means what it says.
func TestOrigins_ListedEntryMeansWhatItSays(t *testing.T) {
	for _, c := range []struct {
		listed, origin string
		want           bool
	}{
		{"*", "http://a.test", true},
		{"*", "https://b.test:99", true},
		{"*", "null", true},
		{"*", "file://", true},
		{"*", "", true},
		{"*", "app://obsidian.md", true},
		{"null", "null", true},
		{"null", "file://", false},
		{"null", "https://null", false},
		{"file://", "file://", true},
		{"file://", "null", false},
		{"file://", "file://host", false},
		{"https://*.example.org", "https://a.example.org", true},
		{"https://*.example.org", "https://a.b.example.org", true},
		{"https://*.example.org", "https://A.Example.org:443", true},
		{"https://*.example.org", "https://example.org", false},
		{"https://*.example.org", "https://badexample.org", false},
		{"https://*.example.org", "https://.example.org.evil.test", false},
		{"https://*.example.org", "http://a.example.org", false},
		{"https://*.example.org", "https://a.example.org:8443", false},
		{"https://*.example.org:8443", "https://a.example.org:8443", true},
		{"https://*.example.org:443", "https://a.example.org", true},
		{"https://app.example", "https://app.example", true},
		{"https://app.example", "https://app.example:443", true},
		{"https://APP.example:443", "https://app.example", true},
		{"https://app.example", "https://app.example/", false},
		{"https://app.example", "null", false},
		{"https://app.example", "", false},
		{"https://app.example:08443", "https://app.example:8443", true},
		{"https://bücher.example", "https://xn--bcher-kva.example", true},
		{"http://[0:0:0:0:0:0:0:1]:80", "http://[::1]", true},
		{"capacitor://localhost", "capacitor://localhost", true},
		{"chrome-extension://abcdef", "chrome-extension://abcdef", true},
	} {
		o, err := parseOrigins([]string{"https://other.example", c.listed}, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.allows([]string{c.origin}, "own.test", false); got != c.want {
			t.Errorf("%q listed, %q comes: allowed %v, not %v", c.listed, c.origin, got, c.want)
		}
	}
}

// F29: an entry that could never match is refused. The error names it and says how to write one.
func TestOrigins_EntryThatCouldNeverMatchIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "app.example", "//app.example", "https://", "https://a/b", "https://a/", "https://a?", "https://a#",
		"https://u@a", "https://a:", "https://a:x",
		"https://a:70000", "*.example.org", "https://*", "https://*.", "https://a.*.org", "https://*.*.org",
		"https://a*.example.org", "https://*.10.0.0.1",
		"https://*.example.org/x", "file:///", "file:", "NULL", "https:/a", "mailto:a@b",
	} {
		if _, err := parseOrigins([]string{text}, false); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// F28: a proxy in front that ends TLS and keeps Host is no stranger, whatever port it listens on; where the server
// speaks TLS itself, its pages come by https.
func TestOrigins_ThePageOfTheServersOwnHostMay(t *testing.T) {
	for _, c := range []struct {
		origin, host  string
		plain, secure bool
	}{
		{"http://a.test", "a.test", true, false},
		{"https://a.test", "a.test", true, true},
		{"https://a.test", "A.TEST", true, true},
		{"https://a.test:443", "a.test", true, true},
		{"https://a.test", "a.test:443", true, true},
		{"http://a.test", "a.test:80", true, false},
		{"https://a.test:8443", "a.test:8443", true, true},
		{"https://[::1]:8443", "[::1]:8443", true, true},
		{"https://bücher.test", "xn--bcher-kva.test", true, true},
		{"https://a.test", "a.test:80", false, false},
		{"http://a.test", "a.test:443", false, false},
		{"https://a.test:8443", "a.test", false, false},
		{"http://a.test:8080", "a.test", false, false},
		{"https://a.test", "a.test:8443", false, false},
		{"https://b.test", "a.test", false, false},
		{"https://a.test.evil.test", "a.test", false, false},
		{"https://a.test", "a.test.evil.test", false, false},
		{"ws://a.test", "a.test", false, false},
		{"file://", "", false, false},
		{"null", "null", false, false},
		{"", "", false, false},
		{"https://", "", false, false},
	} {
		var none origins
		plain, secure := none.allows([]string{c.origin}, c.host, false), none.allows([]string{c.origin}, c.host, true)
		if plain != c.plain || secure != c.secure {
			t.Errorf("a page of %q at host %q: %v, over TLS %v", c.origin, c.host, plain, secure)
		}
	}
}

// F30: in dev mode every page of this machine may connect, and no other.
func TestOrigins_LoopbackMeansThisMachine(t *testing.T) {
	o, err := parseOrigins(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "http://127.0.0.1:5173": true, "http://127.9.9.9": true,
		"http://[::1]:1": true, "https://app.localhost:3000": true,
		"http://localhost.evil.test:3000": false, "http://notlocalhost": false, "http://10.0.0.1:3000": false,
		"null": false, "ftp://localhost": false,
		"http://127.0.0.1.evil.test": false,
	} {
		if got := o.allows([]string{origin}, "127.0.0.1:8000", false); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

// F28: only the Host that a request asks for makes its page the server's own, and nothing else in the request.
func TestServer_AllowsOriginGoesByTheConnectionAndHost(t *testing.T) {
	h := newTestServer(t, func(c *Config) { c.TrustedProxies = []string{"10.0.0.1"} }, (*httptest.Server).Start)
	for _, c := range []struct {
		peer, origin, forwarded string
		tls, want               bool
	}{
		{"192.0.2.1:1", "", "", false, true},
		{"192.0.2.1:1", "https://own.test", "", false, true},
		{"192.0.2.1:1", "http://own.test", "", true, false},
		{"192.0.2.1:1", "https://out.test", "out.test", false, false},
		{"10.0.0.1:1", "https://out.test", "out.test", false, true},
	} {
		r := &http.Request{RemoteAddr: c.peer, Host: "own.test", Header: http.Header{}}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", c.forwarded)
		}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := h.server.AllowsOrigin(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
