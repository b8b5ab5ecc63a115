package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// listener is a parley listen that runs.
func (r *running) listener(args ...string) *spoken {
	r.t.Helper()
	cmd := command(r.t, nil, append([]string{"listen", "--url", r.base}, args...)...)
	return speakAs(r.t, append(cmd.Env, "PARLEY_TOKEN="), cmd.Path, cmd.Args[1:]...)
}

// R000.14, R000.23, R001.9, R001.23.
func TestCommands_WhatPublishSendsListenPrints(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	made := parley(t, nil, "token", "--user", "alice", "--topics", "telemetry/1,alerts/*", "--ttl", "5m", "--claims",
		`{"role":"operator"}`)
	token := strings.TrimSpace(made.stdout)
	if made.status != 0 || strings.Count(token, ".") != 2 || strings.Count(made.stdout, "\n") != 1 {
		t.Fatalf("token printed %q %q", made.stdout, made.stderr)
	}
	dashboard := r.listener("--dialect", "dashboard")
	valtronics := r.listener("--dialect", "valtronics", "--token", token, "telemetry/1")
	dashboard.contains(t, `{"event":"connected"`)
	valtronics.contains(t, `{"type":"auth_response","success":true`)
	r.subscribed(1, "telemetry/1")
	for _, event := range [][]string{{"project_updated", `{"project_name":"my-project","trigger":"audit"}`},
		{"telemetry", aTelemetry}} {
		got := parley(t, nil, "publish", "--url", r.base, "--kind", event[0], event[1])
		var answer struct {
			Topic, ID string
			Delivered int
		}
		if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || answer.Delivered != 1 ||
			answer.Topic == "" || answer.ID == "" {
			t.Errorf("publish printed %q %q", got.stdout, got.stderr)
		}
	}
	dashboard.contains(t, `{"event":"project_updated","project_name":"my-project","trigger":"audit"`)
	valtronics.contains(t, `"type":"telemetry_update"`, `"value":23.5`)
	for _, client := range []*spoken{dashboard, valtronics} {
		if err := client.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		client.goodbye(t)
	}
}

// subscribed waits until a topic has n subscribers.
func (r *running) subscribed(n int, topic string) {
	r.t.Helper()
	for late := r.patient(); ; late() {
		topics := r.call("GET", "/api/v1/topics?prefix="+topic)
		var page struct {
			Topics []struct {
				Name        string
				Subscribers int
			}
		}
		if err := json.Unmarshal([]byte(topics), &page); err != nil {
			r.t.Fatalf("%s: %v", topics, err)
		}
		for _, found := range page.Topics {
			if found.Name == topic && found.Subscribers >= n {
				return
			}
		}
	}
}

func TestCommands_WrongUseIsOneLineAndAStatus(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"no JSON", []string{"publish", "--url", r.base, "--kind", "json", "--all", "{"}, "is no JSON"},
		{"a wrong key", []string{"publish", "--url", r.base, "--key", "wrong", "--kind", "json", "--all", "{}"},
			"refused: "},
		{"a wrong kind", []string{"publish", "--url", r.base, "--kind", "gossip", "--all", "{}"},
			"refused: malformed: "},
		{"two targets", []string{"publish", "--url", r.base, "--kind", "json", "--all", "--user", "u", "{}"},
			"can't be used together"},
		{"nobody there", []string{"publish", "--url", "http://127.0.0.1:1", "--kind", "json", "--all", "{}"},
			"connection refused"},
		{"a wrong URL", []string{"publish", "--url", "ftp://x", "--kind", "json", "--all", "{}"},
			"use http, https, ws or wss"},
		{"a wrong token", []string{"listen", "--url", r.base, "--token", "nonsense"}, "refused: invalid_token"},
		{"an unknown dialect", []string{"listen", "--url", r.base, "--dialect", "klingon"}, "--dialect must be one of"},
		{"a topic that a dashboard cannot ask for", []string{"listen", "--url", r.base, "--dialect", "dashboard",
			"alerts"}, "hears the topic projects"},
		{"an unknown tenant", []string{"token", "--user", "u", "--tenant", "acme"},
			`there is no tenant "acme"; known are dev`},
		{"claims that are none", []string{"token", "--user", "u", "--claims", "[]"}, "claims must be one JSON object"},
		{"no user", []string{"token"}, "missing flags: --user"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := parley(t, nil, c.args...)
			if got.status == 0 || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, c.want) {
				t.Errorf("status %d, want one line with %q, got %q", got.status, c.want, got.stderr)
			}
		})
	}
}

func TestCommands_CheckPrintsEveryProblem(t *testing.T) {
	t.Parallel()
	good := tenantFile(t, firstKey, firstAPIKey)
	if got := parley(t, nil, "check", "--config", good); got.status != 0 || got.stdout != "ok\n" {
		t.Errorf("a good file: %d %q %q", got.status, got.stdout, got.stderr)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("lisen: x\ndrain: 5\nlog:\n  level: loud\ntenants:\n  - name: a\n    keys: "+
		"[{secret: short}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := parley(t, nil, "check", "--config", bad)
	want := []string{
		bad + `:1: lisen: unknown key; did you mean "listen"?`,
		bad + ":2: drain: must be a duration",
		bad + ":4: log.level: must be one of",
		bad + ":7: tenants[0].keys[0]: has a secret of 5 bytes",
	}
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if got.status != 1 || len(lines) != len(want) {
		t.Fatalf("status %d, %d lines:\n%s", got.status, len(lines), got.stdout)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want[i])
		}
	}
}

func TestCommands_VersionAndConfigTellWhatTheyShould(t *testing.T) {
	t.Parallel()
	if got := parley(t, nil, "version"); got.status != 0 || !strings.HasPrefix(got.stdout, "parley ") ||
		!strings.Contains(got.stdout, runtime.Version()) {
		t.Errorf("version printed %q", got.stdout)
	}
	if got := parley(t, nil, "config"); got.status != 0 ||
		!strings.Contains(got.stdout, "dashboard.websocket_heartbeat_seconds") {
		t.Errorf("config printed %q", got.stdout)
	}
}

// The first minute of a user: what dev mode prints works as it stands.
func TestCommands_DevModePrintsATokenAndLinesThatWork(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	r.out.contains(t, "Ctrl-C ends it")
	var token string
	for _, line := range r.out.all() {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "eyJ") {
			token = line
		}
	}
	client := r.listener("--token", token, "alerts")
	client.contains(t, `"success":true`)
	line := r.out.contains(t, "publish", "curl -s ")
	_, body, _ := strings.Cut(line, " -d '")
	if status, answer := r.post("dev", strings.TrimSuffix(body, "'")); status != 200 {
		t.Errorf("the printed publish: %d %s", status, answer)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		if status, body := get(t, r.base+path); status != 200 {
			t.Errorf("%s: %d %.80s", path, status, body)
		}
	}
}

// F40: the README's first publish is heard by a listener whatever line one types, and so is what follows.
func TestCommands_ListenWithoutADialectHearsTheFirstPublish(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	known, clients := client.DialectsOf(protocols.All), 0
	for _, topics := range [][]string{nil, {"projects", "alerts"}} {
		dialects, _, err := known.Choose(topics)
		if err != nil {
			t.Fatal(err)
		}
		clients += len(dialects)
	}
	all, some := r.listener(), r.listener("--time", "projects", "alerts")
	r.connected(clients - 2) // authenticated ones: all but the two dashboards, which need no login here
	r.subscribed(2, "projects")
	r.subscribed(2, "alerts")
	r.publish(2, "project_updated", `{"project_name":"my-project","trigger":"audit"}`)
	all.contains(t, `{"event":"project_updated","project_name":"my-project"`)
	line := some.contains(t, `{"event":"project_updated","project_name":"my-project"`)
	if begin := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} dashboard  \{`); !begin.MatchString(line) {
		t.Errorf("with --time the line is %q", line)
	}
	if status, answer := r.post("dev", `{"all":true,"event":{"kind":"message","data":{"level":"info",`+
		`"message":"hello"}}}`); status != http.StatusOK ||
		!strings.Contains(answer, fmt.Sprintf(`"delivered":%d,`, clients)) {
		t.Errorf("the publish to %d clients: %d %s", clients, status, answer)
	}
	for _, words := range []string{`"event":"message"`, `"type":"alert"`, `{"message":"hello"`,
		`"message_type":"message"`, `"type":"notification"`} {
		all.contains(t, words)
	}
}

// F40: a listener whose server goes away connects again when it is back, and says so meanwhile.
func TestCommands_ListenConnectsAgain(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	address := strings.TrimPrefix(r.base, "http://")
	l := r.listener("--dialect", "dashboard")
	l.contains(t, `{"event":"connected"`)
	r.signal(syscall.SIGTERM)
	r.exit()
	again := serve(t, []string{"PARLEY_INTERNAL_LISTEN="}, "--dev", "--feed=false", "--listen", address)
	again.subscribed(1, "projects")
	again.publish(1, "project_updated", `{"project_name":"after","trigger":"audit"}`)
	l.contains(t, `"project_name":"after"`)
}

// F39: a refused listener says what the server said, with the id by which the server's log has it.
func TestCommands_ARefusedListenerSaysWhy(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	for _, dialect := range []string{"notify", "authentik"} {
		got := parley(t, nil, "listen", "--url", r.base, "--dialect", dialect, "--token", "bad")
		found := regexp.MustCompile(`^parley: ` + dialect +
			`: refused: forbidden: not allowed \(request ([a-z0-9]{12})\)\n$`).FindStringSubmatch(got.stderr)
		if got.status == 0 || found == nil {
			t.Fatalf("%s: status %d, %q", dialect, got.status, got.stderr)
		}
		r.log.contains(t, "authentication failed", found[1])
	}
}
