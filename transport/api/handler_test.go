package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestHandler_UnknownPathsAre404(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, path := range []string{"/api/v1/", "/api/v1", "/api/v1/publish/", "/api/v1//publish", "/api/v1/./publish",
		"/api/v1/../v1/publish", "/api/v2/publish",
		"/api/v1/Publish", "/api/v1/users/", "/api/v1/users/1/2", "/api/v1/topics/a/b/history",
		"/api/v1/topics//history", "/", "/x",
		"/api/v1/ws/ticket/", "/api/v1/ws", "/api/v1/outposts/", "/api/v1/admin/tenants/",
		"/api/v3/outposts/instances//", "/api/v3", "/debug/pprof/", "/api/v1/publish%2F", "/api/v1/healthz"} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			h.call(method, path, "").refuses(protocol.NotFound, "no such path")
		}
	}
	r := request("CONNECT", "/api/v1/publish", "")
	h.do(r).refuses(protocol.NotFound)
	r = request("GET", "/", "")
	r.URL.Path = "//"
	h.do(r).refuses(protocol.NotFound, "no such path")
}

// reliability.md check 20, F51: this test names what must not be on the public address, and does not read it from the
// table under test. A new route has to be put on one of the lists.
func TestHandler_PublicAndInternalRoutesAreApart(t *testing.T) {
	h := newTestAPI(t, Config{})
	internal := map[string]string{
		"/healthz": "GET", "/readyz": "GET", "/metrics": "GET", "/openapi.json": "GET", "/api/v1/admin/tenants": "GET",
		"/debug/pprof/heap": "GET", "/api/v1/admin/backup": "POST", "/api/v1/admin/refusals": "GET",
		"/api/v1/connections/ws-1/tap?for=0s": "GET", "/api/v1/users/7/tap?for=0s": "GET",
		"/api/v1/topics/a/tap?for=0s":      "GET",
		"/api/v1/admin/tenants/acme/drain": "POST", "/api/v1/admin/tenants/acme/restart": "POST",
		"/api/v1/admin/tenants/acme/suspend": "POST", "/api/v1/admin/tenants/acme/resume": "POST",
		"/api/v1/admin/tenants/acme/explain": "POST",
	}
	public := map[string]string{
		"/api/v1/publish": "POST", "/api/v1/batch": "POST", "/api/v1/users/7": "GET",
		"/api/v1/users/7/disconnect": "POST",
		"/api/v1/connections":        "GET", "/api/v1/connections/1": "GET", "/api/v1/topics": "GET",
		"/api/v1/refusals":         "GET",
		"/api/v1/topics/a/history": "GET",
		"/api/v1/explain":          "POST",
		"/api/v1/stats":            "GET", "/api/v1/revoke": "POST", "/api/v1/outposts": "GET",
		"/api/v1/ws/ticket": "POST",
		"/api/v1/outposts/0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d": "GET", "/api/v3/outposts/instances/": "GET",
		"/api/v3/root/config/": "GET",
	}
	for path, method := range internal {
		if code := answers(h.Public(), method, path); code != 404 {
			t.Errorf("%s is public: %d", path, code)
		}
		if code := answers(h.Internal(), method, path); code == 404 {
			t.Errorf("%s is nowhere", path)
		}
	}
	for path, method := range public {
		if code := answers(h.Internal(), method, path); code != 404 {
			t.Errorf("%s is internal: %d", path, code)
		}
	}
	if len(internalRoutes) != len(internal) {
		t.Errorf("there are %d internal routes, and %d are named here", len(internalRoutes), len(internal))
	}
}

func answers(h http.Handler, method, path string) (status int) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(method, path, ""))
	return w.Code
}

func TestHandler_WrongMethodIs405WithAllow(t *testing.T) {
	h := newTestAPI(t, Config{})
	for path, allow := range map[string]string{
		publishPath: "POST, OPTIONS", "/api/v1/topics": "GET, HEAD, OPTIONS",
		"/api/v1/connections/1":      "GET, HEAD, DELETE, OPTIONS",
		"/api/v1/users/1/disconnect": "POST, OPTIONS", "/healthz": "GET, HEAD, OPTIONS",
	} {
		for _, method := range []string{"PUT", "PATCH", "TRACE", "get", "X"} {
			a := h.call(method, path, "")
			a.is(405, `{"error":{"code":"method_not_allowed","message":"this path takes `+allow+`"}}`)
			if got := a.header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q", method, path, got)
			}
		}
		a := h.do(httptest.NewRequest("OPTIONS", path, nil)) // without a key
		a.is(204, "")
		if got := a.header.Get("Allow"); got != allow {
			t.Errorf("OPTIONS %s: Allow %q", path, got)
		}
	}
	h.call("GET", publishPath, "").is(405,
		`{"error":{"code":"method_not_allowed","message":"this path takes POST, OPTIONS"}}`)
}

func TestHandler_ResponsesAreNotStoredOrSniffed(t *testing.T) {
	for _, a := range []response{newTestAPI(t, Config{}).call("GET", "/api/v1/stats", ""),
		newTestAPI(t, Config{}).call("GET", "/x", "")} {
		for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store",
			"X-Content-Type-Options": "nosniff"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

func TestLog_HasOneLineARequestWithPatternAndTenant(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "forty\x1btwo")
	h.call("GET", "/api/v1/users/alice?secret=1", "")
	h.call("GET", "/api/v1/topics?prefix=hidden", "")
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "method=GET route=/api/v1/users/{user} status=401") ||
		!strings.Contains(lines[1], "route=/api/v1/topics status=200") ||
		!strings.Contains(lines[1], "tenant=acme") || strings.Contains(h.log.String(), "alice") ||
		strings.Contains(h.log.String(), "hidden") {
		t.Errorf("log:\n%s", h.log)
	}
}

// These tests run a server on an in-memory pipe, in fake time.
func TestServer_BodyThatStopsArrivingIsRefusedAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{RequestTimeout: 3 * time.Second})
		client, end := serve(t, h)
		defer end()
		io.WriteString(client, "POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n"+
			"Content-Length: 100\r\n\r\n{\"all\":")
		started := time.Now()
		got := make([]byte, 4096)
		n, err := client.Read(got)
		if err != nil || !strings.HasPrefix(string(got[:n]), "HTTP/1.1 408") ||
			!strings.Contains(string(got[:n]), "within 3s") {
			t.Errorf("%v %s", err, got[:n])
		}
		if took := time.Since(started); took != 3*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

func TestServer_HeadHasNoBodyAndTheConnectionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		client, end := serve(t, h)
		defer end()
		go io.WriteString(client, "HEAD /api/v1/stats HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n\r\n"+
			"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\nContent-Length: 46\r\n\r\n"+
			`{"all":true,"event":{"kind":"json","data":{}}}`+
			"GET /api/v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		got, err := io.ReadAll(client)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(got), "HTTP/1.1 ")
		if len(parts) != 4 || !strings.HasPrefix(parts[1], "200") || !strings.HasSuffix(parts[1], "\r\n\r\n") ||
			!strings.HasSuffix(parts[2], `{"delivered":0,"id":"made-1"}`) || !strings.HasPrefix(parts[3], "404") {
			t.Errorf("%q", parts)
		}
	})
}

// serve runs a server for one connection, whose other end it returns.
func serve(t *testing.T, h *testAPI) (client net.Conn, end func()) {
	client, conn := net.Pipe()
	server := &http.Server{Handler: h.Public()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(&oneConn{conn: conn, closed: make(chan struct{})})
	}()
	return client, func() {
		client.Close()
		server.Close()
		<-done
	}
}

// oneConn is a listener that has one connection.
type oneConn struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
