package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/transport/auth"
)

// ticket shows a token for a ticket. The status is that of the answer.
func (r *running) ticket(token string) (ticket string, status int) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.base+"/api/v1/ws/ticket", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct{ Ticket string }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil {
		r.t.Fatal(err)
	}
	return made.Ticket, response.StatusCode
}

// handshake asks for a socket and returns the status of the answer, and the socket if there is one.
func (r *running) handshake(path string) (int, *websocket.Conn) {
	r.t.Helper()
	conn, response, err := websocket.Dial(r.t.Context(), r.base+path, nil)
	if response == nil {
		r.t.Fatal(err)
	}
	if conn != nil {
		r.t.Cleanup(func() { conn.CloseNow() })
	}
	return response.StatusCode, conn
}

// strict has the claims that notify's strict_claims demands.
const strict = `"sid":"s","iss":"i","aud":"a","scope":[],"nbf":1`

// F19: whoever could not come in with a token gets no ticket for it.
func TestTicket_AsksForTheClaimsThatTheSocketAsksFor(t *testing.T) {
	t.Parallel()
	r := serve(t, nil, "--config", tenantFile(t, firstKey, firstAPIKey))
	sign := tokens(t, "acme", firstKey)
	for claims, in := range map[string]bool{`{` + strict + `}`: true, `{}`: false,
		`{` + strings.Replace(strict, `"s"`, "null", 1) + `}`: false, `{` + strict + `,"type":"refresh"}`: false} {
		token := sign(auth.Grant{User: "7", Claims: claims})
		direct, _ := r.handshake("/api/v1/ws?access_token=" + token)
		ticket, made := r.ticket(token)
		byTicket, _ := r.handshake("/api/v1/ws?ticket=" + ticket)
		want := [3]int{101, 201, 101}
		if !in {
			want = [3]int{403, 401, 403}
		}
		if got := [3]int{direct, made, byTicket}; got != want {
			t.Errorf("%s: direct, ticket, by ticket %v, want %v", claims, got, want)
		}
	}
}

// F20: a ticket ends with the key of its token, and what it opened with the token.
func TestTicket_AndWhatItOpensStandOnItsToken(t *testing.T) {
	t.Parallel()
	served := tenantFile(t, firstKey, firstAPIKey)
	r := serve(t, nil, "--config", served)
	sign := tokens(t, "acme", firstKey)
	expires := time.Now().Add(3 * time.Second).Truncate(time.Second)
	short, _ := r.ticket(sign(auth.Grant{User: "7", Claims: fmt.Sprintf(`{%s,"exp":%d}`, strict, expires.Unix())}))
	status, opened := r.handshake("/api/v1/ws?ticket=" + short)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("%d", status)
	}
	left, _ := r.ticket(sign(auth.Grant{User: "8", Claims: `{` + strict + `}`}))
	rewrite(t, served, tenantYAML(secondKey, firstAPIKey))
	r.signal(syscall.SIGHUP)
	r.log.contains(t, "configuration reloaded")
	if status, _ := r.handshake("/api/v1/ws?ticket=" + left); status != http.StatusForbidden {
		t.Errorf("a ticket whose key is gone: %d", status)
	}
	if _, err := next(t, opened); websocket.CloseStatus(err) != websocket.StatusPolicyViolation ||
		time.Now().Before(expires) {
		t.Errorf("what a ticket opened ended %s before its token, with %v", time.Until(expires), err)
	}
}
