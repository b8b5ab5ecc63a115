package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/transport/console"
)

const operatorKey, viewerKey = "a-key-of-operators", "a-key-of-viewers"

// browser asks the console as its pages do.
type browser struct {
	t    *testing.T
	http *http.Client
	at   string
}

func newBrowser(t *testing.T, s *Server, key string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t, &http.Client{Jar: jar}, "http://" + s.Internal() + "/console/api/"}
	if status := b.asks("POST", "session", `{"key":"`+key+`"}`, nil); status != http.StatusNoContent {
		t.Fatalf("login: %d", status)
	}
	return b
}

// asks makes a call and reads its answer into a value.
func (b *browser) asks(method, path, body string, into any) int {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.at+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		b.t.Fatalf("%s: %v: %s", path, err, text)
	}
	return answer.StatusCode
}

// A real server: what a browser sees of a tenant's client, and what it may do to it.
func TestConsole_ShowsAClientAndEndsIt(t *testing.T) {
	cfg := several(t)
	cfg.InternalListen, cfg.API.AdminKey, cfg.API.ViewerKey = "127.0.0.1:0", operatorKey, viewerKey
	s := run(t, cfg)
	client, _ := dial(t, "ws://"+s.Address()+"/ws", "", nil)
	client.asks(`{"type":"auth","token":"`+tokenOf(t, s, "a", "42")+`"}`, `"success":true`)
	looks, acts := newBrowser(t, s, viewerKey), newBrowser(t, s, operatorKey)
	var page struct {
		Connections []struct{ ID, User string }
	}
	looks.asks("GET", "t/a/v1/connections", "", &page)
	if len(page.Connections) != 1 || page.Connections[0].User != "42" {
		t.Fatalf("connections: %+v", page)
	}
	if looks.asks("GET", "t/b/v1/connections", "", &page); len(page.Connections) != 0 {
		t.Errorf("another tenant's connections: %+v", page)
	}
	if looks.asks("GET", "t/a/v1/connections", "", &page); len(page.Connections) != 1 {
		t.Fatalf("connections: %+v", page)
	}
	one := "t/a/v1/connections/" + page.Connections[0].ID
	if status := looks.asks("DELETE", one, "", nil); status != http.StatusForbidden {
		t.Errorf("a viewer's kick: %d", status)
	}
	const event = `{"all":true,"event":{"kind":"message","data":{"level":"info","message":"from the console"}}}`
	if status := acts.asks("POST", "t/a/v1/publish", event, nil); status != http.StatusOK {
		t.Errorf("publish: %d", status)
	}
	client.hears("from the console")
	if status := acts.asks("DELETE", one, `{"code":4001,"reason":"kicked"}`, nil); status != http.StatusOK {
		t.Errorf("kick: %d", status)
	}
	for {
		if _, _, err := client.conn.Read(t.Context()); err != nil {
			if ws.CloseStatus(err) != 4001 {
				t.Errorf("it ended with %v", err)
			}
			break
		}
	}
	if status, _ := asked(t, "GET", "http://"+s.Address()+"/console/", "", ""); status != http.StatusNotFound {
		t.Errorf("the public address serves the console: %d", status)
	}
}

// The console shows what the reloaded configuration says, but for settings that need a restart.
func TestConsole_ShowsWhatAReloadChanged(t *testing.T) {
	cfg := several(t)
	cfg.InternalListen, cfg.API.AdminKey = "127.0.0.1:0", operatorKey
	s := run(t, cfg)
	acts := newBrowser(t, s, operatorKey)
	var rule struct {
		Pattern      string
		HistoryCount int `json:"history_count"`
	}
	if acts.asks("GET", "rule?tenant=a&topic=x", "", &rule); rule.Pattern != "" || rule.HistoryCount != 128 {
		t.Errorf("a rule at the start: %+v", rule)
	}
	cfg.TopicRules = append(cfg.TopicRules, policy.Rule{Pattern: "x"})
	cfg.Effective = slices.Clone(cfg.Effective)
	for i := range cfg.Effective {
		cfg.Effective[i].Value = "new"
	}
	cfg.Feed, cfg.Drain = !cfg.Feed, time.Minute
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if acts.asks("GET", "rule?tenant=a&topic=x", "", &rule); rule.Pattern != "x" {
		t.Errorf("the rule after a reload: %+v", rule)
	}
	var shown struct{ Settings []console.Setting }
	acts.asks("GET", "settings", "", &shown)
	values := map[string]string{}
	for _, setting := range shown.Settings {
		values[setting.Key] = setting.Value
	}
	if values["drain"] != "new" || values["feed"] == "new" || len(values) != len(cfg.Effective) {
		t.Errorf("after a reload: %v", values)
	}
}

func TestConsole_LogsWhoDidWhat(t *testing.T) {
	var log bytes.Buffer
	cfg := several(t)
	cfg.InternalListen, cfg.API.AdminKey = "127.0.0.1:0", operatorKey
	s, err := New(cfg, Options{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Run()
	newBrowser(t, s, operatorKey).asks("POST", "admin/tenants/c/suspend", "", nil)
	s.Close(t.Context())
	text := log.String()
	if strings.Count(text, "acted in the console") != 1 ||
		!strings.Contains(text, "path=/api/v1/admin/tenants/c/suspend") ||
		strings.Contains(text, operatorKey) {
		t.Errorf("the log:\n%s", text)
	}
}
