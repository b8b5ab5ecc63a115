package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/transport/websocket/conformance"
)

// echo is a server by other authors. It takes lengths that are not minimal, which is weak.
type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(conn *gws.Conn, message *gws.Message) {
	conn.WriteMessage(message.Opcode, message.Bytes())
	message.Close()
}

func (echo) OnPing(conn *gws.Conn, payload []byte) { conn.WritePong(payload) }

func serveEcho(t *testing.T) string {
	t.Helper()
	upgrader := gws.NewUpgrader(echo{}, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err == nil {
			conn.ReadLoop()
		}
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/echo"
}

// play runs the command and returns its exit status and what it printed.
func play(t *testing.T, args ...string) (status int, out string) {
	t.Helper()
	var printed, errors strings.Builder
	status = run(t.Context(), append(args, "--timeout", "60", "--wait", "0.01"), &printed, &errors)
	if (status == senseless) != (errors.Len() > 0) {
		t.Errorf("%v: status %d, and on stderr %q", args, status, errors.String())
	}
	return status, printed.String()
}

// F51: more weak cases than are allowed fail the run.
func TestCommand_ExitStatusAndLastLineSayHowItWent(t *testing.T) {
	t.Parallel()
	url := serveEcho(t)
	for _, c := range []struct {
		args   string
		status int
		last   string
	}{
		{"--only 1.2 --only 2.1 -j 2", good, "2 passed, 0 failed (0 weak, 0 skipped)"},
		{"--only 1.44 --only 1.2", good, "2 passed, 0 failed (1 weak, 0 skipped)"},
		{"--only 1.44 --only 1.2 --max-weak 1", good, "2 passed, 0 failed (1 weak, 0 skipped)"},
		{"--only 1.44 --only 1.2 --max-weak 0", bad, "2 passed, 0 failed (1 weak, 0 skipped)"},
		{"--only 1.44 --only 1.2 --strict", bad, "1 passed, 1 failed (1 weak, 0 skipped)"},
		{"--only 9.47 --max-message 100", bad, "0 passed, 1 failed (0 weak, 0 skipped)"},
		{"--only 9.1 --max-message 100", good, "0 passed, 0 failed (0 weak, 1 skipped)"},
		{"--only 2 --skip 2.1? --skip 2.2? --mode live -v --header K:V --send-first hello", good,
			"9 passed, 0 failed (0 weak, 0 skipped)"},
	} {
		status, out := play(t, append(strings.Fields(c.args), "--url", url)...)
		if status != c.status || !strings.HasSuffix(out, "\n"+c.last+"\n") {
			t.Errorf("%s: status %d:\n%s", c.args, status, out)
		}
	}
}

func TestCommand_WhatMakesNoSenseIsStatus2(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "--url", "--url http://127.0.0.1/", "--url ws://127.0.0.1:0/", "--url ws://127.0.0.1:0/ --only 99",
		"--url ws://127.0.0.1:0/ --mode dead", "--url ws://127.0.0.1:0/ --header nothing",
		"--url ws://127.0.0.1:0/ --timeout soon",
		"--url ws://127.0.0.1:0/ and more", "--colour", "--list --skip 0 --only 0",
	} {
		// The first argument that is wrong is found before those that play adds.
		if status, out := play(t, strings.Fields(args)...); status != senseless {
			t.Errorf("%q: status %d:\n%s", args, status, out)
		}
	}
}

func TestCommand_ListsTheCasesThatWouldBePlayed(t *testing.T) {
	t.Parallel()
	status, out := play(t, "--list")
	if lines := strings.Count(out, "\n"); status != good || lines != len(conformance.Cases()) {
		t.Errorf("status %d, %d lines", status, lines)
	}
	_, live := play(t, "--list", "--mode", "live")
	if strings.Contains(live, "[echo]") || !strings.Contains(live, "7.1 ") {
		t.Errorf("for a live endpoint:\n%s", live)
	}
}

func TestCommand_WritesAllResultsAsJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "results.json")
	play(t, "--url", serveEcho(t), "--only", "1.2", "--only", "1.44", "--json", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Passed, Failed, Weak, Skipped int
		Cases                         []struct{ ID, Verdict, Note, Section string }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.Passed != 2 || d.Weak != 1 || len(d.Cases) != 2 || d.Cases[0].ID != "1.2" || d.Cases[0].Verdict != "pass" ||
		d.Cases[1].Verdict != "weak" || d.Cases[1].Note == "" || d.Cases[1].Section != "RFC 6455 5.2" {
		t.Errorf("%s", text)
	}
}
