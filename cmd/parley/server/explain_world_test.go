package server

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// world is a server with random rules, whose clients come through pipes.
type world struct {
	*Server
	t      *testing.T
	random *rand.Rand
	file   string
	pipes  map[string]*pipes // by the address of the client
	stop   []func()
	open   []*visitor
	marks  int // events that were marked
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// keyOf is the secret of a tenant's key.
func keyOf(tenant string) string { return strings.Repeat(tenant, 12)[:40] }

// randomRules writes a configuration.
func randomRules(r *rand.Rand) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("internal_listen: 127.0.0.1:0")
	line("listen: 127.0.0.1:0")
	line("websocket: {origins: [%s], compression: false}",
		pick(r, "", `"https://app.example"`, `"https://*.example"`, `"*"`))
	line("engine: {topics: %d}", pick(r, 2, 100, 1000))
	line("valtronics: {enabled: %v, connects_per_minute: %d, connections: %d, connections_per_user: %d, "+
		"subscriptions: %d}",
		r.IntN(8) > 0, pick(r, 9, 1000000, 1000000), pick(r, 2, 1000000), pick(r, 1, 1000000), pick(r, 1, 1000))
	line("notify: {enabled: %v}", r.IntN(8) > 0)
	line("dashboard: {multi_tenant: %v}", r.IntN(2) > 0)
	line("rates: {address: {connects: %d}, tenant: {messages: %d}}", pick(r, 0, 0, 30), pick(r, 0, 0, 0, 4))
	line("topic_rules: [{pattern: alerts, slow: conflate}, {pattern: \"*\", store: memory, batch_window: %s, "+
		"batch_latest: %v}]", pick(r, "0s", "0s", "50ms"), r.IntN(2) == 0)
	line("tenants:")
	for _, name := range []string{"acme", "beta"} {
		line("  - name: %s", name)
		line("    api_keys: [%s-key-for-backends]", name)
		line("    keys: [{alg: HS256, secret: %s%s}]", keyOf(name), pick(r, "", ", issuer: "+name))
		if r.IntN(3) > 0 {
			line("    hosts: [%s.test]", name)
		}
		line("    lobby: %v", r.IntN(3) == 0)
		line("    audience: %q", pick(r, "", "", "parley"))
		line("    topics: [%s]", pick(r, `"*"`, `"telemetry/*", alerts`, `"tel*"`))
		line("    connections: %d", pick(r, 0, 0, 0, 2))
		line("    rates: {user: {connects: %d, subscribes: %d}}", pick(r, 0, 0, 20), pick(r, 0, 3))
		if r.IntN(3) == 0 {
			line("    users: [u1, u2]")
		}
	}
	return b.String()
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{t: t, random: r, file: filepath.Join(t.TempDir(), "parley.yaml"), pipes: map[string]*pipes{}}
	if err := os.WriteFile(w.file, []byte(randomRules(r)), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := config.Load(config.Sources{Protocols: everyProtocol, File: w.file})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	w.Server = assemble(t, loaded.Config)
	return w
}

// assemble makes a server in a bubble, where it does not listen.
func assemble(t *testing.T, cfg config.Config) *Server {
	t.Helper()
	s, err := New(cfg, Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// comingFrom are pipes of clients that have one address.
func (w *world) comingFrom(address string) *pipes {
	if w.pipes[address] == nil {
		p := &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: &w.listeners.mux, ConnContext: nil}
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(addressed{p, address}) }()
		w.stop = append(w.stop, func() { _ = server.Close(); <-done })
		w.pipes[address] = p
	}
	return w.pipes[address]
}

// addressed are pipes whose clients have an address.
type addressed struct {
	*pipes
	address string
}

func (a addressed) Accept() (net.Conn, error) {
	c, err := a.pipes.Accept()
	if err != nil {
		return nil, err
	}
	return addressedConn{c, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(a.address), 4711))}, nil
}

type addressedConn struct {
	net.Conn
	remote net.Addr
}

func (c addressedConn) RemoteAddr() net.Addr { return c.remote }

// end closes everything.
func (w *world) end() {
	w.closeFrom(0)
	for _, stop := range w.stop {
		stop()
	}
}

// closeFrom closes the clients that are open, but the first n, and waits until the engine has let go of them.
func (w *world) closeFrom(n int) {
	for _, c := range w.open[n:] {
		_ = c.CloseNow()
	}
	synctest.Wait()
	w.open = slices.DeleteFunc(w.open, func(v *visitor) bool { return v.hasEnded() })
	if n := w.connections(); n != len(w.open) {
		w.t.Errorf("the engine has %d connections, and %d clients are open", n, len(w.open))
	}
}

func (w *world) connections() (n int) {
	for _, tenant := range w.everywhere() {
		n += int(w.node.Stats(tenant).ActiveConnections)
	}
	return n
}

// everywhere are the tenants that connections may be of.
func (w *world) everywhere() []string {
	return append([]string{auth.UnresolvedTenant}, w.node.Tenants()...)
}

// goodFor is a token with all that a dialect may demand.
func goodFor(tenant, user string) auth.Grant {
	return auth.Grant{User: user, TTL: time.Hour,
		Claims: fmt.Sprintf(`{"sid":"s","iss":%q,"aud":"parley","scope":"x","nbf":1}`, tenant)}
}

// token signs a token of a user, or spoils one.
func (w *world) token(tenant, user string) string {
	grant := goodFor(tenant, user)
	r := w.random
	switch r.IntN(24) {
	case 0:
		grant.TTL = -time.Hour
	case 1:
		grant.Claims = `{"iss":"somebody","aud":"parley"}`
	case 2:
		grant.Claims = strings.Replace(grant.Claims, "parley", "other", 1)
	case 3:
		grant.Claims = strings.Replace(grant.Claims, "{", `{"type":"refresh",`, 1)
	case 4:
		grant.Topics = []string{"alerts", "telemetry/1"}
	case 5:
		grant.Claims = `{"sub":1.5}`
	case 6:
		grant.Claims = `{"exp":"never"}`
	case 7:
		tenant = pick(r, "acme", "beta")
	case 8:
		return pick(r, "", "x", "a.b.c", strings.Repeat("x", 9000))
	}
	text, err := w.verifier.Sign(tenant, grant)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.IntN(20) == 0 {
		text = text[:len(text)-4] + "AAAA"
	}
	return text
}

// ask asks, and returns the answer and the refusal behind it.
func (w *world) ask(tenant string, q api.Question) (api.Explanation, *protocol.Refusal) {
	in := question{explainer: &w.explainer, Question: q, ctx: context.Background(), tenant: tenant,
		asked: &decision.Record{Tenant: tenant}}
	if err := in.complete(); err != nil {
		return api.Explanation{}, protocol.AsRefusal(err)
	}
	refusal := in.decide()
	return in.explanation(refusal), refusal
}
