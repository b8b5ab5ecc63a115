package websocket

import (
	"crypto/tls"
	"net/http"
	"testing"
)

// F26: the real authentik is told where a request comes from. Trusted proxies are believed in this, and no other peer.
func TestServer_ForwardedBelievesTrustedProxies(t *testing.T) {
	trusted, err := parseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{proxies: trusted}
	header := http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https"},
		"X-Forwarded-Host": {"push.example"}}
	for _, c := range []struct {
		peer   string
		header http.Header
		tls    bool
		want   [3]string
	}{
		{"10.1.1.1:5", header, false, [3]string{"1.1.1.1", "https", "push.example"}},
		{"192.0.2.1:5", header, false, [3]string{"192.0.2.1", "http", "own"}},
		{"192.0.2.1:5", nil, true, [3]string{"192.0.2.1", "https", "own"}},
		{"10.1.1.1:5", http.Header{"X-Forwarded-Proto": {"http"}}, true, [3]string{"10.1.1.1", "http", "own"}},
		{"10.1.1.1:5", http.Header{"X-Forwarded-Proto": {"gopher"}}, false, [3]string{"10.1.1.1", "http", "own"}},
	} {
		r := &http.Request{RemoteAddr: c.peer, Host: "own", Header: c.header}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		address, scheme, host := s.Forwarded(r)
		if got := [3]string{address, scheme, host}; got != c.want {
			t.Errorf("%s with %v: %q, want %q", c.peer, c.header, got, c.want)
		}
	}
}
