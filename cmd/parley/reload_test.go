package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	firstKey     = "first-key-first-key-first-key-first-key"
	secondKey    = "second-key-second-key-second-key-second"
	firstAPIKey  = "first-api-key-first-api-key"
	secondAPIKey = "second-api-key-second-api-key"
)

// tenantYAML is a configuration with one tenant.
func tenantYAML(secret, apiKey string) string {
	return "tenants:\n  - name: acme\n    api_keys: [" + apiKey + "]\n    keys: [{alg: HS256, secret: " + secret +
		"}]\n"
}

func tenantFile(t *testing.T, secret, apiKey string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, path, tenantYAML(secret, apiKey))
	return path
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// admits reports whether the server takes a token for alice that is signed as this file says.
func (r *running) admits(file string) bool {
	r.t.Helper()
	conn := r.dial("/ws")
	token := strings.TrimSpace(parley(r.t, nil, "token", "--user", "alice", "--config", file).stdout)
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	answer, err := next(r.t, conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Contains(answer, `"success":true`)
}

// reliability.md check 16: keys change under way, and no connection is dropped.
func TestReload_SIGHUPReplacesKeysAndDropsNobody(t *testing.T) {
	t.Parallel()
	old, fresh := tenantFile(t, firstKey, firstAPIKey), tenantFile(t, secondKey, secondAPIKey)
	served := tenantFile(t, firstKey, firstAPIKey)
	r := serve(t, nil, "--config", served)
	stays := r.dial("/ws")
	say(t, stays, `{"type":"auth","token":"`+
		strings.TrimSpace(parley(t, nil, "token", "--user", "bob", "--config", old).stdout)+`"}`)
	say(t, stays, `{"type":"subscribe","channel":"telemetry"}`)
	say(t, stays, `{"type":"ping"}`)
	for answer := ""; !strings.Contains(answer, "pong"); {
		var err error
		if answer, err = next(t, stays); err != nil {
			t.Fatal(err)
		}
	}
	if !r.admits(old) || r.admits(fresh) {
		t.Fatal("before the reload the old key must hold, and the new one must not")
	}
	rewrite(t, served, tenantYAML(secondKey, secondAPIKey)+"engine: {topics: 7}\n")
	r.signal(syscall.SIGHUP)
	r.log.contains(t, "configuration reloaded")
	r.log.contains(t, "need a restart", "engine.topics")
	if r.admits(old) || !r.admits(fresh) {
		t.Error("after the reload the new key must hold, and the old one must not")
	}
	const event = `{"event":{"kind":"telemetry","data":{"device_id":1,"telemetry":{"temperature":{"value":1,` +
		`"unit":"°C","timestamp":"2024-01-01T12:00:00Z"}}}}}`
	if status, _ := r.post(firstAPIKey, event); status != http.StatusUnauthorized {
		t.Errorf("the old API key: %d", status)
	}
	if status, answer := r.post(secondAPIKey, event); status != http.StatusOK ||
		!strings.Contains(answer, `"delivered":1`) {
		t.Errorf("the new API key: %d %s", status, answer)
	}
	if heard, err := next(t, stays); err != nil || !strings.Contains(heard, "telemetry_update") {
		t.Errorf("the connection of before heard %q %v", heard, err)
	}
}

func TestReload_WrongConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	served := tenantFile(t, firstKey, firstAPIKey)
	r := serve(t, nil, "--config", served)
	old := tenantFile(t, firstKey, firstAPIKey)
	rewrite(t, served, tenantYAML("short", secondAPIKey)+"lisen: x\n")
	r.signal(syscall.SIGHUP)
	r.log.contains(t, "the old one stays", "tenants[0].keys[0]")
	r.log.contains(t, "the old one stays", "lisen")
	if !r.admits(old) {
		t.Error("the old key is gone")
	}
}

func TestReload_TenantThatIsRemovedIsCutOff(t *testing.T) {
	t.Parallel()
	const two = "  - name: other\n    hosts: [other.example]\n    keys: [{secret: " + secondKey + "}]\n"
	served := tenantFile(t, firstKey, firstAPIKey)
	rewrite(t, served, strings.Replace(tenantYAML(firstKey, firstAPIKey), "name: acme",
		"name: acme\n    hosts: [127.0.0.1]", 1)+two)
	r := serve(t, nil, "--config", served)
	conn := r.dial("/ws")
	say(t, conn, `{"type":"ping"}`)
	if _, err := next(t, conn); err != nil {
		t.Fatal(err)
	}
	rewrite(t, served, "tenants:\n"+two)
	r.signal(syscall.SIGHUP)
	if message, err := next(t, conn); err == nil {
		t.Errorf("a connection of the removed tenant hears %q", message)
	}
	if status, _ := r.post(firstAPIKey, `{}`); status != http.StatusUnauthorized {
		t.Errorf("its API key: %d", status)
	}
}
