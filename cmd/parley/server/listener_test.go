package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/auth"
)

// wire is a client of a server.
type wire struct {
	t    *testing.T
	conn *ws.Conn
}

// dial connects to an address, with a Host header of its own if one is given. It returns the status of a refusal.
func dial(t *testing.T, url, host string, header http.Header) (*wire, int) {
	t.Helper()
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(insecure.CloseIdleConnections)
	conn, answer, err := ws.Dial(t.Context(), url,
		&ws.DialOptions{Host: host, HTTPHeader: header, HTTPClient: insecure})
	if err != nil {
		if answer == nil {
			t.Fatal(err)
		}
		return nil, answer.StatusCode
	}
	t.Cleanup(func() { conn.CloseNow() })
	return &wire{t, conn}, http.StatusSwitchingProtocols
}

// asks sends a message and wants an answer that contains a text.
func (w *wire) asks(message, want string) {
	w.t.Helper()
	if err := w.conn.Write(w.t.Context(), ws.MessageText, []byte(message)); err != nil {
		w.t.Fatal(err)
	}
	w.hears(want)
}

func (w *wire) hears(want string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	_, message, err := w.conn.Read(ctx)
	if err != nil || !strings.Contains(string(message), want) {
		w.t.Errorf("heard %s %v, want %s", message, err, want)
	}
}

func tokenOf(t *testing.T, s *Server, tenant, user string) string {
	t.Helper()
	token, err := s.Token(tenant, auth.Grant{User: user})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// sendTo publishes a message to a user and returns how many connections it reached.
func sendTo(t *testing.T, s *Server, key, user string) int {
	t.Helper()
	r := httptest.NewRequest("POST", "/api/v1/publish",
		strings.NewReader(`{"user":"`+user+`","event":{"kind":"message","data":{"level":"info","message":"hello"}}}`))
	r.Header.Set("X-API-Key", key)
	w := httptest.NewRecorder()
	s.api.Public().ServeHTTP(w, r)
	var answer struct{ Delivered int }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Delivered
}

const attach = `","action":"attach","event":{"type":"notification"}}`

// R000.2, R001.56: the documents' wss addresses.
func TestServer_SpeaksOverTLS(t *testing.T) {
	dir := t.TempDir()
	cfg := devConfig(t)
	cfg.TLS.Certificate, cfg.TLS.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	selfSigned(t, cfg.TLS.Certificate, cfg.TLS.Key)
	s := run(t, cfg)
	dashboard, _ := dial(t, "wss://"+s.Address()+"/api/v2/dashboard/ws", "",
		http.Header{"Origin": {"https://" + s.Address()}})
	dashboard.hears(`"event":"connected"`)
	valtronics, _ := dial(t, "wss://"+s.Address()+"/ws", "", nil)
	valtronics.asks(`{"type":"auth","token":"`+tokenOf(t, s, config.DevTenant, "alice")+`"}`, `"success":true`)
}

// R004.3, R004.5, R004.6, R004.7: AirLay's own listener, where / is as good as /ws and nothing else is spoken.
// R002.15: there is one registry, whatever address a user comes by.
func TestListeners_AirLaysOwnSpeaksAirLayAtOnce(t *testing.T) {
	cfg := devConfig(t)
	cfg.Listeners = []config.Listener{{Address: "127.0.0.1:0", Dialects: []string{"airlay"}}}
	s := run(t, cfg)
	own, token := "ws://"+s.ListenerAddresses()[0], tokenOf(t, s, config.DevTenant, "alice")
	for _, path := range []string{"/", "/ws"} {
		airlay, _ := dial(t, own+path, "", nil)
		airlay.asks(`{"type":"auth","token":"x"}`, `{"status":400,"message":"Token not set","code":1}`)
		airlay.asks(`{"auth":"`+token+attach, `"code":0`)
	}
	for _, path := range []string{"/ws/telemetry", "/api/v2/dashboard/ws", "/api/v1/ws", "/x"} {
		if _, status := dial(t, own+path, "", nil); status != http.StatusNotFound {
			t.Errorf("%s there: %d", path, status)
		}
	}
	if _, status := dial(t, "ws://"+s.Address()+"/", "", nil); status != http.StatusNotFound {
		t.Errorf("/ on the public address: %d", status)
	}
	for _, path := range []string{"/api/v1/stats", "/metrics", "/healthz", "/api/v1/admin/tenants"} {
		answer, err := http.Get("http://" + s.ListenerAddresses()[0] + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s there: %d", path, answer.StatusCode)
		}
	}
	valtronics, _ := dial(t, "ws://"+s.Address()+"/ws", "", nil)
	valtronics.asks(`{"type":"auth","token":"`+token+`"}`, `"success":true`)
	if n := sendTo(t, s, config.DevAPIKey, "alice"); n != 3 {
		t.Errorf("alice was reached %d times, want on 3 connections over two addresses", n)
	}
}

func TestHosts_FixWhatIsSpokenThere(t *testing.T) {
	cfg := devConfig(t)
	cfg.Hosts = []config.Host{{Name: "airlay.example", Dialects: []string{"airlay"}},
		{Name: "Plant.example", Dialects: []string{"valtronics"}}}
	s := run(t, cfg)
	url := "ws://" + s.Address()
	airlay, _ := dial(t, url+"/ws", "airlay.example:8000", nil)
	airlay.asks(`{"type":"ping"}`, `"code":1`)
	valtronics, _ := dial(t, url+"/ws", "plant.example", nil)
	valtronics.asks(`{"auth":"x","action":"attach","event":{}}`, `Missing message type`)
	for host, path := range map[string]string{"airlay.example": "/ws/alerts", "plant.example": "/api/v2/dashboard/ws"} {
		if _, status := dial(t, url+path, host, nil); status != http.StatusNotFound {
			t.Errorf("%s on %s: %d", path, host, status)
		}
	}
	for _, first := range [][2]string{{`{"type":"ping"}`, `"type":"pong"`},
		{`{"auth":"x","action":"attach"}`, `"code":2`}} {
		either, _ := dial(t, url+"/ws", "other.example", nil)
		either.asks(first[0], first[1])
	}
}

// On a path of its own Valtronics has its own limits from the start: who says nothing is not waited for.
func TestHosts_ADialectThatIsAloneHasItsOwnLimits(t *testing.T) {
	waitsInRealTime(t)
	s := run(t, devConfig(t, "PARLEY_AIRLAY_ENABLED=false", "PARLEY_VALTRONICS_LOGIN_TIMEOUT=1s"))
	silent, _ := dial(t, "ws://"+s.Address()+"/ws", "", nil)
	silent.hears(`"success":false`)
	if _, _, err := silent.conn.Read(t.Context()); ws.CloseStatus(err) != ws.StatusPolicyViolation {
		t.Errorf("it ended with %v", err)
	}
	if n := s.node.Stats(config.DevTenant).Dialects["valtronics"].TotalConnections; n != 1 {
		t.Errorf("Valtronics counts %d connections", n)
	}
}

func TestReload_SwitchesDialectsOffAndOn(t *testing.T) {
	cfg := devConfig(t)
	s := run(t, cfg)
	url, token := "ws://"+s.Address(), tokenOf(t, s, config.DevTenant, "7")
	status := func() int {
		t.Helper()
		_, status := dial(t, url+"/api/v1/ws?access_token="+token, "", nil)
		return status
	}
	stays, _ := dial(t, url+"/ws", "", nil)
	stays.asks(`{"auth":"`+token+attach, `"code":0`)
	if got := status(); got != http.StatusSwitchingProtocols {
		t.Fatalf("notify: %d", got)
	}
	if err := s.Reload(devConfig(t, "PARLEY_NOTIFY_ENABLED=false", "PARLEY_AIRLAY_ENABLED=false")); err != nil {
		t.Fatal(err)
	}
	if got := status(); got == http.StatusSwitchingProtocols {
		t.Error("notify is spoken although it is off")
	}
	stays.asks(`{"auth":"`+token+attach, `"code":0`)
	fresh, _ := dial(t, url+"/ws", "", nil)
	fresh.asks(`{"auth":"`+token+attach, "Missing message type")
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != http.StatusSwitchingProtocols {
		t.Errorf("notify after it was switched on again: %d", got)
	}
}

const otherSecret = "another tenant's secret, 32 bytes long."

// several is a configuration with tenants that are told apart by different means.
func several(t *testing.T) config.Config {
	t.Helper()
	cfg := devConfig(t)
	one := cfg.Tenants[0]
	named := func(name, secret string) config.Tenant {
		made := one
		made.Name, made.APIKeys = name, []string{"api-key-of-" + name}
		made.Keys, made.Outposts, made.Cookie = []config.Key{{Alg: "HS256", Secret: secret}}, nil, config.Cookie{}
		made.Apps = nil
		return made
	}
	a, b, c := named("a", config.DevSecret), named("b", otherSecret),
		named("c", "a third tenant's secret, 32 bytes long.")
	c.Hosts = []string{"c.example"}
	cfg.Tenants = []config.Tenant{a, b, c}
	cfg.Listeners = []config.Listener{{Address: "127.0.0.1:0", Tenant: "b"}}
	return cfg
}

// A client is never believed whose it is: a host counts as one that is configured, a listener is its tenant's, and
// where several stand the key of the token says it.
func TestTenants_AreToldApartByHostListenerAndKey(t *testing.T) {
	s := run(t, several(t))
	public, listener := "ws://"+s.Address(), "ws://"+s.ListenerAddresses()[0]
	tokens := map[string]string{}
	for _, tenant := range []string{"a", "b", "c"} {
		tokens[tenant] = tokenOf(t, s, tenant, "42")
	}
	admits := func(url, host, tenant string) bool {
		t.Helper()
		conn, status := dial(t, url+"/ws", host, nil)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s %s: %d", url, host, status)
		}
		if err := conn.conn.Write(t.Context(), ws.MessageText,
			[]byte(`{"type":"auth","token":"`+tokens[tenant]+`"}`)); err != nil {
			t.Fatal(err)
		}
		_, answer, err := conn.conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(answer), `"success":true`)
	}
	for _, c := range []struct {
		url, host string
		admitted  string // the tenants whose tokens hold there
	}{
		{public, "", "ab"}, {public, "whatever.example", "ab"}, {public, "c.example", "c"},
		{public, "C.EXAMPLE:80", "c"},
		{listener, "", "b"}, {listener, "c.example", "b"},
	} {
		for tenant := range tokens {
			if got, want := admits(c.url, c.host, tenant), strings.Contains(c.admitted, tenant); got != want {
				t.Errorf("a token of %s at %s with Host %q: admitted %v", tenant, c.url, c.host, got)
			}
		}
	}
	for tenant, want := range map[string]int{"a": 2, "b": 4, "c": 2} {
		if got := sendTo(t, s, "api-key-of-"+tenant, "42"); got != want {
			t.Errorf("user 42 of %s has %d connections, want %d", tenant, got, want)
		}
	}
}

// The tenant of a ticket is that of its token, and the ticket opens a socket there alone.
func TestTenants_TicketsAreTheirTenants(t *testing.T) {
	s := run(t, several(t))
	ticket := func(base, tenant string) (string, int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+base+"/api/v1/ws/ticket", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+tokenOf(t, s, tenant, "42"))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var made struct{ Ticket string }
		if err := json.NewDecoder(answer.Body).Decode(&made); err != nil {
			t.Fatal(err)
		}
		return made.Ticket, answer.StatusCode
	}
	if _, status := ticket(s.ListenerAddresses()[0], "a"); status != http.StatusUnauthorized {
		t.Errorf("a's token at b's listener: %d", status)
	}
	mine, status := ticket(s.Address(), "a")
	if status != http.StatusCreated {
		t.Fatalf("a's token at an unresolved host: %d", status)
	}
	if _, status := dial(t, "ws://"+s.ListenerAddresses()[0]+"/api/v1/ws?ticket="+mine, "",
		nil); status != http.StatusForbidden {
		t.Errorf("a's ticket at b's listener: %d", status)
	}
	if _, status := dial(t, "ws://"+s.Address()+"/api/v1/ws?ticket="+mine, "",
		nil); status != http.StatusSwitchingProtocols {
		t.Errorf("a's ticket at an unresolved host: %d", status)
	}
	for wait := time.Now(); len(connectionsOf(t, s, "a")) != 1; {
		if time.Since(wait) > 20*time.Second {
			t.Fatal("the connection is not a's")
		}
	}
	if others := append(connectionsOf(t, s, "b"), connectionsOf(t, s, "c")...); len(others) > 0 {
		t.Errorf("others have %v", others)
	}
}

func connectionsOf(t *testing.T, s *Server, tenant string) []actors.ConnectionInfo {
	t.Helper()
	all, _, err := s.node.Connections(t.Context(), tenant, actors.ConnectionQuery{User: "42", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
