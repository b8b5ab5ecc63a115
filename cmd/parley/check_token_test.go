package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/transport/auth"
)

// logged is a Valtronics client that is in.
func (r *running) logged(token string) *websocket.Conn {
	r.t.Helper()
	conn := r.dial("/ws")
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	if answer, err := next(r.t, conn); err != nil || !strings.Contains(answer, `"success":true`) {
		r.t.Fatalf("the login: %s %v", answer, err)
	}
	return conn
}

// reliability.md check 15: a connection ends within 5 s of its token, and nobody goes on with it as somebody else.
func TestToken_EndsItsConnectionAndChangesNoUser(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	expires := time.Now().Add(6 * time.Second).Truncate(time.Second)
	claims := fmt.Sprintf(`{"exp":%d}`, expires.Unix())
	ending := []*websocket.Conn{r.logged(sign(auth.Grant{User: "alice", Claims: claims})),
		r.logged(sign(auth.Grant{User: "bob", Claims: claims}))}
	page := r.dialWith("/ws/client/", http.Header{"Cookie": {"authentik_session=" +
		sign(auth.Grant{User: "carol", Claims: claims})}})
	stays := r.logged(sign(auth.Grant{User: "dave"}))
	say(t, stays, `{"type":"auth","token":"`+sign(auth.Grant{User: "eve"})+`"}`)
	if answer, err := next(t, stays); err != nil || !strings.Contains(answer, `"success":false`) {
		t.Errorf("a refresh as somebody else: %s %v", answer, err)
	}
	say(t, ending[1], `{"type":"auth","token":"`+sign(auth.Grant{User: "bob"})+`"}`)
	if answer, err := next(t, ending[1]); err != nil || !strings.Contains(answer, `"success":true`) {
		t.Errorf("a refresh in time: %s %v", answer, err)
	}
	for who, conn := range map[string]*websocket.Conn{"valtronics": ending[0], "authentik": page} {
		var err error
		for err == nil {
			_, err = next(t, conn)
		}
		if late := time.Since(expires); websocket.CloseStatus(err) != websocket.StatusPolicyViolation ||
			late < -time.Second {
			t.Errorf("%s ended %s after its token with %v", who, late, err)
		} else {
			within(t, who+" ending after its token", late, 5*time.Second)
		}
	}
	for user, there := range map[string]int{"alice": 404, "bob": 200, "carol": 404, "dave": 200, "eve": 404} {
		if status, body := r.ask(http.MethodGet, "/api/v1/users/"+user, ""); status != there {
			t.Errorf("%s: %d %s, want %d", user, status, body, there)
		}
	}
}

// takes reports whether the server lets in who shows this token.
func (r *running) takes(token string) bool {
	r.t.Helper()
	conn := r.dial("/ws")
	defer conn.CloseNow()
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	answer, err := next(r.t, conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Contains(answer, `"success":true`)
}

// reliability.md check 16: keys change under load; the new one holds within 2 s, the old one no more, and nobody is
// dropped.
func TestReload_KeysChangeUnderLoadAndNobodyIsDropped(t *testing.T) {
	t.Parallel()
	bob := auth.Grant{User: "bob"}
	shown := []string{tokens(t, "acme", firstKey)(bob), tokens(t, "acme", secondKey)(bob)}
	served := tenantFile(t, firstKey, firstAPIKey)
	r := serve(t, []string{"PARLEY_VALTRONICS_CONNECTS_PER_MINUTE=0", "PARLEY_VALTRONICS_CONNECTIONS=0",
		"PARLEY_VALTRONICS_CONNECTIONS_PER_USER=0"}, "--config", served)
	size := scale(20, 500)
	results := make(chan error, size)
	for range size {
		conn := r.logged(shown[0])
		say(t, conn, `{"type":"subscribe","channel":"alerts"}`)
		say(t, conn, `{"type":"ping"}`)
		if answer, err := next(t, conn); err != nil || !strings.Contains(answer, "pong") {
			t.Fatalf("%s %v", answer, err)
		}
		go func() { results <- inOrder(t.Context(), conn, `"alert_id":`) }()
	}
	publish := func(n int) {
		alert := strings.Replace(anAlert, "123", fmt.Sprint(n), 1)
		if status, answer := r.askAs(firstAPIKey, http.MethodPost, "/api/v1/publish",
			`{"event":{"kind":"alert","data":`+alert+`}}`); status != http.StatusOK ||
			!strings.Contains(answer, fmt.Sprintf(`"delivered":%d}`, size)) {
			t.Errorf("publish %d: %d %s", n, status, answer)
		}
	}
	done, events := make(chan struct{}), 0
	var load sync.WaitGroup
	load.Go(func() {
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-done:
				return
			case <-pace.C:
				events++
				publish(events)
			}
		}
	})
	slowest := time.Duration(0)
	for turn := range scale(4, 10) {
		rewrite(t, served, tenantYAML([]string{secondKey, firstKey}[turn%2], firstAPIKey))
		r.signal(syscall.SIGHUP)
		began := time.Now()
		for late := r.patient(); !r.takes(shown[(turn+1)%2]); late() {
		}
		slowest = max(slowest, time.Since(began))
		if r.takes(shown[turn%2]) {
			t.Errorf("turn %d: the old key still holds", turn)
		}
	}
	close(done)
	load.Wait()
	within(t, "a new key holding", slowest, 2*time.Second)
	publish(0)
	for range size {
		if err := <-results; err != nil {
			t.Errorf("a connection: %v", err)
		}
	}
	t.Logf("%d connections heard all of %d events while keys changed; the slowest held after %s", size, events, slowest)
}

// reliability.md check 18: whatever is asked with a token in its URL, and whatever comes of it, nothing that the server
// shows or logs has the token in it.
func TestToken_InAURLIsShownNowhere(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_LOG_LEVEL=debug"}, "--dev", "--feed=false")
	good := devTokens(t)(auth.Grant{User: "alice"})
	bad := good[:len(good)-6] + "AAAAAA"
	signatures := []string{good[strings.LastIndexByte(good, '.')+1:], "AAAAAA"}
	shown := ""
	for _, token := range []string{good, bad} {
		r.dial("/api/v2/dashboard/ws?token=" + token)
		r.dial("/ws?token=" + token)
		for _, path := range []string{"/api/v1/ws?access_token=", "/api/v1/ws?ticket=", "/api/v1/ws/7?access_token=",
			"/ws/client/?token=", "/nowhere?token=",
			"/api/v1/stats?key=", "/api/v1/users/", "/api/v1/topics?prefix=", "/debug/pprof/?token=",
			"/api/v1/connections/", "/ws/", "/metrics?token="} {
			shown += raw(t, r, "GET "+path+token+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			shown += raw(t, r, "POST "+path+token+
				" HTTP/1.1\r\nHost: x\r\nX-API-Key: dev\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
			shown += raw(t, r, "GET "+path+token+
				" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "+
				"13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
		}
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/openapi.json", "/debug/vars",
		"/debug/pprof/cmdline"} {
		_, body := get(t, r.base+path)
		shown += body
	}
	shown += r.call(http.MethodGet, "/api/v1/connections") + r.call(http.MethodGet, "/api/v1/stats") +
		r.call(http.MethodGet, "/api/v1/topics")
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for name, text := range map[string]string{"an answer": shown, "the log": strings.Join(r.log.all(), "\n"),
		"the output": strings.Join(r.out.all(), "\n")} {
		for _, signature := range signatures {
			if i := strings.Index(text, signature); i >= 0 {
				t.Errorf("%s has the token in it: %q", name, text[max(0, i-300):i+10])
			}
		}
	}
	if len(shown) < 10_000 || len(r.log.all()) < 20 {
		t.Errorf("only %d bytes were shown and %d lines logged; there was more to look at", len(shown),
			len(r.log.all()))
	}
}

// reliability.md check 24: nothing that is published later than 1 s after a revoke, a disconnect or a loss of rights
// has returned reaches who lost it, while events go on all the time.
func TestRevoke_NothingPublishedASecondLaterIsDelivered(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	subscribed := func(user string, claims string) *websocket.Conn {
		conn := r.logged(sign(auth.Grant{User: user, Claims: claims}))
		say(t, conn, `{"type":"subscribe","channel":"system"}`)
		say(t, conn, `{"type":"ping"}`)
		if answer, err := next(t, conn); err != nil || !strings.Contains(answer, "pong") {
			t.Fatalf("%s %v", answer, err)
		}
		return conn
	}
	lost := map[string]*websocket.Conn{"user": subscribed("alice", ""), "token": subscribed("bob", `{"jti":"one"}`),
		"right": subscribed("carol", "")}
	stays := subscribed("dave", "")
	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				r.post("dev", fmt.Sprintf(`{"event":{"kind":"system_status","data":{"metrics":{"at":%d}}}}`,
					time.Now().UnixMicro()))
			}
		}
	})
	for _, what := range []string{`{"user":"alice"}`, `{"jti":"one"}`} {
		if status, answer := r.ask(http.MethodPost, "/api/v1/revoke", what); status != http.StatusOK ||
			answer != `{"closed":1}` {
			t.Errorf("revoke %s: %d %s", what, status, answer)
		}
	}
	say(t, lost["right"], `{"type":"auth","token":"`+sign(auth.Grant{User: "carol", Topics: []string{"alerts"}})+`"}`)
	revoked := time.Now()
	for time.Since(revoked) < 1500*time.Millisecond {
		if heard, err := next(t, stays); err != nil {
			t.Fatalf("%s %v", heard, err)
		}
	}
	close(stop)
	load.Wait()
	latest, heardOf := -time.Hour, 0
	for who, conn := range lost {
		_ = conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping","timestamp":7}`))
		for heard := ""; !strings.Contains(heard, `"timestamp":7`); {
			var err error
			if heard, err = next(t, conn); err != nil {
				if who == "right" {
					t.Errorf("who lost a right was closed: %v", err)
				}
				break
			}
			var event struct{ Metrics struct{ At int64 } }
			if json.Unmarshal([]byte(heard), &event) == nil && event.Metrics.At > 0 {
				latest = max(latest, time.UnixMicro(event.Metrics.At).Sub(revoked))
				heardOf++
			}
		}
	}
	t.Logf("of %d events that reached them the latest was published %s after the last revoke had returned", heardOf,
		latest)
	if heardOf == 0 {
		t.Error("they never heard anything, so that nothing is shown")
	}
	within(t, "delivering after a revoke", latest, time.Second)
}
