package websocket

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/protocol/echo"
)

// cookie is a dialect whose credential comes with the request.
type cookie struct{ echo.Dialect }

func (cookie) Name() string    { return "cookie" }
func (cookie) Paths() []string { return []string{"/cookie/{id}", "/cookie/{id}/"} }

func (c cookie) Open(h protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	opened, _ := c.Dialect.Open(h)
	if h.Query.Get("refuse") != "" {
		return protocol.Opened{}, protocol.Refuse(protocol.Unauthorized, "a cookie is needed")
	}
	opened.Credential = &protocol.Credential{Token: h.Header("Cookie")}
	if offered := h.Subprotocols(); len(offered) > 0 {
		opened.Subprotocol = offered[len(offered)-1] + h.PathValue("id")
	}
	return opened, nil
}

// testNode is a node that admits as a test says.
type testNode struct {
	*actors.Node
	admit    func(remote string) *protocol.Refusal
	admitAll bool // it admits clients without identity, however many
}

func (d *testNode) AdmitUnauthenticated(
	remote string, proxied bool, asked *decision.Record,
) *protocol.Refusal {
	if d.admitAll {
		return nil
	}
	return d.Node.AdmitUnauthenticated(remote, proxied, asked)
}

func (d *testNode) Admit(
	tenant string, dialect protocol.Dialect, remote string, asked *decision.Record,
) *protocol.Refusal {
	if d.admit != nil {
		return d.admit(remote)
	}
	return d.Node.Admit(tenant, dialect, remote, asked)
}

type keys map[string]error

func (known keys) Authenticate(_ context.Context, tenant string, c protocol.Credential) (*protocol.Identity, error) {
	if err, ok := known[c.Token]; ok {
		return &protocol.Identity{User: "u"}, err
	}
	return nil, protocol.Refuse(protocol.InvalidToken, "signature of %s does not hold", c.Token)
}

// testServer is a whole server: node, handler, HTTP.
type testServer struct {
	*httptest.Server
	node   *testNode
	server *Server
}

func newTestServer(t testing.TB, change func(*Config), start func(*httptest.Server)) *testServer {
	t.Helper()
	return newTestServerOf(t, actors.Config{}, change, start)
}

// newTestServerWith is a server without TLS whose node has cfg.
func newTestServerWith(t testing.TB, cfg actors.Config, change func(*Config)) *testServer {
	t.Helper()
	return newTestServerOf(t, cfg, change, (*httptest.Server).Start)
}

func newTestServerOf(t testing.TB, cfg actors.Config, change func(*Config), start func(*httptest.Server)) *testServer {
	t.Helper()
	cfg.Logger = quiet()
	auth := keys{"good": nil, "down": protocol.Refuse(protocol.Busy, "introspection is down"),
		"broken": io.ErrUnexpectedEOF}
	node := actors.New(cfg, auth, actors.TenantConfig{Name: "acme"})
	config := DefaultConfig()
	config.Logger = quiet()
	if change != nil {
		change(&config)
	}
	door := &testNode{Node: node}
	s, err := New(config, door, auth, func(r *http.Request) string { return r.Header.Get("X-Tenant") })
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Handler(echo.Dialect{Frame: 100_000}, cookie{})
	if err != nil {
		t.Fatal(err)
	}
	h := &testServer{httptest.NewUnstartedServer(handler), door, s}
	start(h.Server)
	t.Cleanup(func() {
		h.Server.Close()
		node.Close()
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := s.Wait(ctx); err != nil {
			t.Errorf("%d sockets are left: %v", s.Sockets(), err)
		}
		s.Close()
	})
	return h
}

// request is a good handshake, changed line by line: "Name: value" replaces, "+Name: value" adds, "-Name" removes.
func request(target string, changes ...string) string {
	first := "GET " + target + " HTTP/1.1"
	lines := []string{"Host: parley.test", "X-Tenant: acme", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, change := range changes {
		name, _, isLine := strings.Cut(change, ": ")
		switch {
		case strings.Contains(name, " "):
			first = change
			continue
		case strings.HasPrefix(change, "+"):
			lines = append(lines, change[1:])
			continue
		}
		kept := lines[:0:0]
		for _, line := range lines {
			if !strings.HasPrefix(line, strings.TrimPrefix(name, "-")+": ") {
				kept = append(kept, line)
			}
		}
		if lines = kept; isLine {
			lines = append(lines, change)
		}
	}
	return first + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func (h *testServer) ask(t testing.TB, request string) (*http.Response, *client) {
	t.Helper()
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	c := &client{conn, bufio.NewReader(conn)}
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response, c
}
