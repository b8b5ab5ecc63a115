package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/transport/auth"
)

// F16: what was revoked stays so after kill -9, with a data directory and no durable topic, until it is taken back.
func TestServe_RevocationsSurviveAKill(t *testing.T) {
	t.Parallel()
	dir, sign := t.TempDir(), devTokens(t)
	alice, bob := sign(auth.Grant{User: "alice"}), sign(auth.Grant{User: "bob", Claims: `{"jti":"one"}`})
	start := func() *running {
		return serve(t, []string{"PARLEY_INTERNAL_LISTEN="}, "--dev", "--feed=false", "--data", dir)
	}
	takes := func(r *running, wantAlice, wantBob bool) {
		t.Helper()
		if a, b := r.takes(alice), r.takes(bob); a != wantAlice || b != wantBob {
			t.Errorf("alice is taken: %t, bob: %t; want %t and %t", a, b, wantAlice, wantBob)
		}
	}
	kill := func(r *running) {
		r.signal(syscall.SIGKILL)
		<-r.ended
	}
	r := start()
	takes(r, true, true)
	for _, what := range []string{`{"user":"alice"}`, `{"jti":"one"}`} {
		if status, answer := r.ask(http.MethodPost, "/api/v1/revoke", what); status != http.StatusOK {
			t.Fatalf("revoke %s: %d %s", what, status, answer)
		}
	}
	kill(r)
	r = start()
	takes(r, false, false)
	if status, answer := r.ask(http.MethodDelete, "/api/v1/revoke?user=alice", ""); status != http.StatusOK ||
		answer != `{"removed":1}` {
		t.Errorf("taken back: %d %s", status, answer)
	}
	takes(r, true, false)
	kill(r)
	takes(start(), true, false)
}

// F16: a disk that takes nothing does not keep a revocation from holding, and the caller is told that it would not
// survive.
func TestServe_ARevocationThatCannotBeKeptSaysSo(t *testing.T) {
	t.Parallel()
	dir, alice := t.TempDir(), devTokens(t)(auth.Grant{User: "alice"})
	blocked := filepath.Join(dir, "revocations.new")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN="}, "--dev", "--feed=false", "--data", dir)
	conn := r.logged(alice)
	status, answer := r.ask(http.MethodPost, "/api/v1/revoke", `{"user":"alice"}`)
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, `"storage_full"`) ||
		!strings.Contains(answer, "not kept") {
		t.Errorf("%d %s", status, answer)
	}
	var ended error
	for ended == nil { // next gives up by itself
		_, ended = next(t, conn)
	}
	if code := websocket.CloseStatus(ended); code != websocket.StatusPolicyViolation {
		t.Errorf("the connection ended with %v", ended)
	}
	if r.takes(alice) {
		t.Error("the token is still taken")
	}
	if metrics := r.metrics(); !strings.Contains(metrics, "parley_revocations_not_kept_total 1\n") ||
		!strings.Contains(metrics, "parley_revocations 1\n") {
		t.Error("the metrics do not tell")
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if status, answer := r.ask(http.MethodPost, "/api/v1/revoke", `{"user":"alice"}`); status != http.StatusOK {
		t.Errorf("with room: %d %s", status, answer)
	}
}

// F3: nothing is revoked for times to come.
func TestServe_RevokingTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	r, alice := serveDev(t), devTokens(t)(auth.Grant{User: "alice"})
	conn := r.logged(alice)
	for _, before := range []string{`"2999-01-01T00:00:00Z"`, fmt.Sprint(time.Now().Add(time.Hour).Unix())} {
		if status, answer := r.ask(http.MethodPost, "/api/v1/revoke", `{"user":"alice","before":`+before+
			`}`); status != http.StatusBadRequest {
			t.Errorf("before %s: %d %s", before, status, answer)
		}
	}
	say(t, conn, `{"type":"ping"}`)
	if answer, err := next(t, conn); err != nil || !strings.Contains(answer, "pong") {
		t.Errorf("the connection: %s %v", answer, err)
	}
	if !r.takes(alice) {
		t.Error("the token was revoked all the same")
	}
}
