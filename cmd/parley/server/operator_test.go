package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// asked does a request and returns its status and body.
func asked(t *testing.T, method, url, key, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// What operators do to one tenant over the internal address, and that the public one does not know of it.
func TestOperators_DrainSuspendAndRestartOneTenantAlone(t *testing.T) {
	waitsInRealTime(t)
	cfg := several(t)
	cfg.InternalListen = "127.0.0.1:0"
	s := run(t, cfg)
	public, admin := "http://"+s.Address(), "http://"+s.Internal()+"/api/v1/admin/tenants"
	connect := func(tenant string) *wire {
		t.Helper()
		client, _ := dial(t, "ws://"+s.Address()+"/ws", "", nil)
		client.asks(`{"type":"auth","token":"`+tokenOf(t, s, tenant, "42")+`"}`, `"success":true`)
		return client
	}
	ends := func(who *wire, code ws.StatusCode) {
		t.Helper()
		for {
			if _, _, err := who.conn.Read(t.Context()); err != nil {
				if ws.CloseStatus(err) != code {
					t.Errorf("it ended with %v, want %d", err, code)
				}
				return
			}
		}
	}
	const event = `{"all":true,"event":{"kind":"message","data":{"level":"info","message":"hello"}}}`
	publish := func(tenant string) int {
		t.Helper()
		status, _ := asked(t, "POST", public+"/api/v1/publish", "api-key-of-"+tenant, event)
		return status
	}
	bystander, drained := connect("b"), connect("a")
	if status, body := asked(t, "GET", admin, "", ""); status != 200 ||
		!strings.Contains(body, `{"tenant":"a","figures":{`) || strings.Contains(body, "lobby") {
		t.Errorf("tenants: %d %s", status, body)
	}
	if status, body := asked(t, "POST", admin+"/a/drain", "", `{"over":0.1}`); status != 200 ||
		body != `{"tenant":"a","closed":1}` {
		t.Errorf("drain: %d %s", status, body)
	}
	ends(drained, ws.StatusServiceRestart)
	suspended := connect("a")
	if status, body := asked(t, "POST", admin+"/a/suspend", "", ""); status != 200 ||
		body != `{"tenant":"a","suspended":true}` {
		t.Errorf("suspend: %d %s", status, body)
	}
	ends(suspended, ws.StatusPolicyViolation)
	if got := publish("a"); got != http.StatusForbidden {
		t.Errorf("a publish of the suspended tenant: %d", got)
	}
	if got := publish("b"); got != http.StatusOK {
		t.Errorf("a publish of another tenant: %d", got)
	}
	bystander.hears(`"hello"`)
	if status, body := asked(t, "POST", admin+"/a/resume", "", ""); status != 200 ||
		body != `{"tenant":"a","suspended":false}` {
		t.Errorf("resume: %d %s", status, body)
	}
	restarted := connect("a")
	if status, body := asked(t, "POST", admin+"/a/restart", "", ""); status != 200 ||
		body != `{"tenant":"a","restarted":true}` {
		t.Errorf("restart: %d %s", status, body)
	}
	ends(restarted, ws.StatusServiceRestart)
	connect("a")
	bystander.asks(`{"type":"ping"}`, `"pong"`)
	if status, _ := asked(t, "POST", admin+"/nobody/drain", "", ""); status != http.StatusNotFound {
		t.Errorf("an unknown tenant: %d", status)
	}
	for _, base := range []string{public, "http://" + s.ListenerAddresses()[0]} {
		if status, _ := asked(t, "GET", base+"/api/v1/admin/tenants", config.DevAPIKey,
			""); status != http.StatusNotFound {
			t.Errorf("on %s operators' calls are answered with %d", base, status)
		}
	}
}
