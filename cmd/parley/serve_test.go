package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// reliability.md check 56.
func TestServe_WhatIsWrongIsOneClearLineWithinASecond(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const tenant = "tenants: [{name: acme, api_keys: [0123456789abcdef0123]%s}]\n"
	broken := file("broken.yaml", "listen: [\n")
	wrong := file("wrong.yaml", "lisen: x\nfed: true\n")
	unreadable := file("unreadable.yaml",
		strings.Replace(tenant, "%s", ", keys: [{public_key_file: "+filepath.Join(dir, "none.pem")+"}]", 1))
	garbage := file("garbage.yaml", strings.Replace(tenant, "%s", ", keys: [{public_key_file: "+
		file("garbage.pem", "no key")+"}]", 1))
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"serve", "--dev", "--lisen=x"}, "unknown flag --lisen"},
		{"unknown command", []string{"sevre"}, "unexpected argument sevre"},
		{"port in use", []string{"serve", "--dev", "--listen", taken.Addr().String()}, "the port is in use"},
		{"dev mode in public", []string{"serve", "--dev", "--listen", "0.0.0.0:0"},
			"--listen: listen: dev mode serves loopback alone"},
		{"no such file", []string{"serve", "--config", filepath.Join(dir, "none.yaml")},
			"none.yaml: no such file or directory"},
		{"no YAML", []string{"serve", "--config", broken}, "broken.yaml:1: "},
		{"wrong keys", []string{"serve", "--config", wrong},
			`wrong.yaml:1: lisen: unknown key; did you mean "listen"? (and 2 more`},
		{"unreadable key", []string{"serve", "--config", unreadable},
			"unreadable.yaml:1: tenants[0].keys[0]: its file no such file"},
		{"a key that is none", []string{"serve", "--config", garbage},
			"garbage.yaml:1: tenants[0].keys[0]: is no PEM text"},
		{"a bad drain", []string{"serve", "--dev", "--drain", "soon"}, "--drain"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := parley(t, nil, c.args...)
			if got.status == 0 {
				t.Error("exit status 0")
			}
			if got.cpu >= time.Second { // what others do meanwhile is not its fault
				t.Errorf("took %s of processor time", got.cpu)
			}
			within(t, "the exit", got.took, time.Second)
			if strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, c.want) {
				t.Errorf("want one line with %q, got %q", c.want, got.stderr)
			}
		})
	}
}

// dial connects to a path of the server.
func (r *running) dial(path string) *websocket.Conn {
	r.t.Helper()
	conn, _, err := websocket.Dial(r.t.Context(), r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// next reads one message.
func next(t *testing.T, conn *websocket.Conn) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, message, err := conn.Read(ctx)
	return string(message), err
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// reliability.md check 48, in small: readyz says 503, nobody is let in, who is there hears why, and the status is 0.
func TestServe_SIGTERMDrainsAndExitsZero(t *testing.T) {
	t.Parallel()
	r := serveDev(t, "--drain", "2s")
	conn := r.dial("/api/v2/dashboard/ws")
	if hello, err := next(t, conn); err != nil || !strings.Contains(hello, "connected") {
		t.Fatalf("%q %v", hello, err)
	}
	r.signal(syscall.SIGTERM)
	r.log.await(t, func(line map[string]any) bool { return line["msg"] == "draining" })
	for deadline := time.Now().Add(patience); ; {
		status, body := get(t, r.base+"/readyz")
		if status == http.StatusServiceUnavailable && strings.Contains(body, "draining") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz says %d %s", status, body)
		}
	}
	if _, response, err := websocket.Dial(t.Context(), r.base+"/ws", nil); err == nil ||
		response.StatusCode != http.StatusServiceUnavailable ||
		response.Header.Get("Retry-After") == "" {
		t.Errorf("a new connection: %v %v", response, err)
	}
	if status, answer := r.post("dev", `{"event":{"kind":"project_updated","data":{"project_name":"late",`+
		`"trigger":"audit"}}}`); status != http.StatusOK {
		t.Errorf("a publish while draining: %d %s", status, answer)
	}
	if late, err := next(t, conn); err != nil || !strings.Contains(late, "late") {
		t.Errorf("the publish while draining arrived as %q %v", late, err)
	}
	if _, err := next(t, conn); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the connection ended with %v, want 1012", err)
	}
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestServe_SecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	r := serveDev(t, "--drain", "10m")
	conn := r.dial("/api/v2/dashboard/ws")
	if _, err := next(t, conn); err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGINT)
	r.log.await(t, func(line map[string]any) bool { return line["msg"] == "draining" })
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status == 0 {
		t.Error("exit status 0 for a drain that was cut short")
	}
}

// reliability.md check 20, F51: no profiles, metrics or operators' calls on the public address.
func TestServe_HealthAndMetricsAreOnTheInternalAddressAlone(t *testing.T) {
	t.Parallel()
	r := serve(t, nil, "--config", tenantFile(t, firstKey, firstAPIKey))
	if r.base == r.internal {
		t.Fatal("both are on one address")
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/openapi.json", "/debug/pprof/", "/debug/vars",
		"/debug/echo", "/api/v1/admin/tenants", "/api/v1/admin/backup"} {
		if status, body := get(t, r.base+path); status != http.StatusNotFound {
			t.Errorf("public %s: %d %.80s", path, status, body)
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/openapi.json", "/api/v1/admin/tenants"} {
		if status, body := get(t, r.internal+path); status != http.StatusOK {
			t.Errorf("internal %s: %d %.80s", path, status, body)
		}
	}
	if status, _ := get(t, r.internal+"/api/v1/stats"); status != http.StatusNotFound {
		t.Errorf("the API on the internal address: %d", status)
	}
}

// reliability.md check 61, check 18: whatever clients send, each event of the log stays one well-formed line, without a
// token.
func TestServe_HostileInputLeavesWellFormedLogLinesWithoutTokens(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_LOG_LEVEL=debug"}, "--config", tenantFile(t, firstKey, firstAPIKey))
	token := strings.TrimSpace(parley(t, nil, "token", "--user", "mallory", "--config",
		tenantFile(t, secondKey, firstAPIKey)).stdout)
	if strings.Count(token, ".") != 2 {
		t.Fatalf("the token is %q", token)
	}
	const nasty = "a\r\nlevel=ERROR msg=forged \x1b[31m \"}{ %n%s \u2028 \u202e"
	for _, path := range []string{"/ws", "/api/v2/dashboard/ws", "/api/v1/stats", "/nowhere"} {
		raw(t, r, "GET "+path+"?token="+token+" HTTP/1.1\r\nHost: x\r\nUser-Agent: "+
			strings.ReplaceAll(nasty, "\r\n", "")+"\r\nConnection: close\r\n\r\n")
		raw(t, r, "GET "+path+" HTTP/1.1\r\nHost: "+"\x1b[31m"+"\r\nAuthorization: Bearer "+token+
			"\r\nConnection: close\r\n\r\n")
	}
	raw(t, r, nasty)
	conn := r.dial("/ws?token=" + token)
	say(t, conn, `{"type":"auth","token":"`+token+`"}`)
	if answer, err := next(t, conn); err != nil || !strings.Contains(answer, `"success":false`) {
		t.Errorf("a token of another key: %q %v", answer, err)
	}
	say(t, conn, `{"type":"subscribe","channel":"a\nb\u001b[31m\u2028","device_id":"`+token+`"}`)
	if _, err := next(t, conn); err != nil {
		t.Error(err)
	}
	_ = conn.Close(4000, "a\nforged\x1b[31m line "+token[:40])
	r.post(firstAPIKey, `{"topic":"a\nb","event":{"kind":"json","id":"\u001b[31m","data":{}}}`)
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	checkLines(t, r.log.all(), token)
}

// F14: a few clients are told, and the server has ended, long before the time of its drain is over.
func TestServe_AFewClientsDoNotTakeTheWholeDrain(t *testing.T) {
	t.Parallel()
	r := serveDev(t, "--drain", "1h")
	var all []*websocket.Conn
	for range 10 {
		conn := r.dial("/api/v2/dashboard/ws")
		if _, err := next(t, conn); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	r.signal(syscall.SIGTERM)
	for _, conn := range all {
		if _, err := next(t, conn); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
			t.Errorf("a client heard %v, want 1012", err)
		}
	}
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
