package websocket

import (
	"net/http"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// F18: behind an untrusted proxy all clients have one address, which must not be taken for one stranger's.
func TestProxies_UntrustedProxyOfOurOwnNetworkIsRecognised(t *testing.T) {
	trusted, err := parseProxies([]string{"10.9.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		peer, header string
		want         bool
	}{
		{"127.0.0.1:5", "X-Forwarded-For", true}, {"127.0.0.1:5", "X-Real-Ip", true}, {"10.1.1.1:5", "Forwarded", true},
		{"[::ffff:192.168.1.1]:5", "Via", true}, {"[fd00::1]:5", "X-Forwarded-For", true},
		{"[fe80::1%eth0]:5", "Via", true},
		{"127.0.0.1:5", "X-Other", false}, {"192.0.2.1:5", "X-Forwarded-For", false},
		{"[2001:db8::1]:5", "Forwarded", false},
		{"10.9.1.1:5", "X-Forwarded-For", false}, {"pipe", "X-Forwarded-For", false}, {"pipe:5", "Via", false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{c.header: {"1.1.1.1"}}}
		if got := trusted.isUntrustedProxy(r); got != c.want {
			t.Errorf("%s with %s: %v", c.peer, c.header, got)
		}
	}
}

// awaitConnections waits until the node has so many connections: a client has its answer before that.
func (h *testServer) awaitConnections(t testing.TB, count uint64) {
	t.Helper()
	end := time.Now().Add(testTimeout)
	for ; h.node.Stats("acme").ActiveConnections < count; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there are no %d connections after %v", count, testTimeout)
		}
	}
}

// F18: a stranger over the bound is refused before the upgrade, and the answer says when to come back. A client that
// shows a credential in the handshake is no stranger.
func TestHandshake_StrangersHaveABound(t *testing.T) {
	for name, c := range map[string]struct {
		config  actors.Config
		headers []string
		status  int // of the third
	}{
		"in all":                 {actors.Config{Unauthenticated: 2}, nil, 503},
		"in all, behind a proxy": {actors.Config{Unauthenticated: 2}, []string{"X-Forwarded-For: 1.1.1.1"}, 503},
		"of an address":          {actors.Config{UnauthenticatedPerAddress: 2}, nil, 429},
		"of no address behind a proxy": {actors.Config{UnauthenticatedPerAddress: 2},
			[]string{"X-Forwarded-For: 1.1.1.1"}, 101},
		"there is none where it is off": {actors.Config{}, nil, 101},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestServerWith(t, c.config, nil)
			come := func(target string) *http.Response {
				response, _ := h.ask(t, request(target, c.headers...))
				return response
			}
			for range 2 {
				if got := come("/debug/echo").StatusCode; got != 101 {
					t.Fatalf("status %d before the bound", got)
				}
			}
			h.awaitConnections(t, 2)
			third := come("/debug/echo")
			if third.StatusCode != c.status || (c.status != 101) != (third.Header.Get("Retry-After") == "5") {
				t.Errorf("the third gets %d, Retry-After %q; want %d",
					third.StatusCode, third.Header.Get("Retry-After"), c.status)
			}
			if got, _ := h.ask(t, request("/cookie/1", append(c.headers, "Cookie: good")...)); got.StatusCode != 101 {
				t.Errorf("one with a credential gets %d", got.StatusCode)
			}
		})
	}
}

// F18: a stranger that comes between the check and the upgrade is counted all the same.
func TestHandshake_BoundOfStrangersHoldsBetweenCheckAndUpgrade(t *testing.T) {
	h := newTestServerWith(t, actors.Config{Unauthenticated: 1}, nil)
	h.node.admitAll = true
	if got, _ := h.ask(t, request("/debug/echo")); got.StatusCode != 101 {
		t.Fatalf("status %d", got.StatusCode)
	}
	h.awaitConnections(t, 1)
	_, c := h.ask(t, request("/debug/echo"))
	if code, _ := c.closed(t); code != int(protocol.Busy.CloseCode()) {
		t.Errorf("the second ends with %d", code)
	}
}
