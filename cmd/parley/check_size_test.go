package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// F22: the largest of tokens opens a socket of every protocol, whatever way it is shown; one byte more is refused as
// what it is, and not as a wrong one.
func TestToken_MayBeAsLargeAsTheLimitInEveryProtocol(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	largest := sign(auth.Grant{User: "7", Claims: fmt.Sprintf(`{"data":{"id":"7"},"pad":%q}`,
		strings.Repeat("x", 5900))})
	if len(largest) > protocol.MaxToken || len(largest) < protocol.MaxToken-512 {
		t.Fatalf("the token has %d bytes; it should be a large one", len(largest))
	}
	for name, conn := range r.five(largest) {
		if conn == nil {
			t.Errorf("%s: no connection", name)
		}
	}
	if _, status := r.ticket(largest); status != http.StatusCreated {
		t.Errorf("a ticket: %d", status)
	}
	tooLarge := largest + strings.Repeat("x", protocol.MaxToken)
	if status, _ := r.handshake("/api/v1/ws?access_token=" + tooLarge); status != http.StatusRequestEntityTooLarge {
		t.Errorf("notify: %d", status)
	}
	if _, status := r.ticket(tooLarge); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a ticket: %d", status)
	}
	cookie := http.Header{"Cookie": {"authentik_session=" + tooLarge}}
	if _, answer, err := websocket.Dial(t.Context(), r.base+"/ws/client/",
		&websocket.DialOptions{HTTPHeader: cookie}); err == nil ||
		answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("authentik: %v", err)
	}
	slightly := largest + strings.Repeat("x", protocol.MaxToken-len(largest)+1)
	for frame, want := range map[string]string{
		`{"type":"auth","token":"` + slightly + `"}`: `"error":"too_large"`,
		`{"type":"auth","token":"` + tooLarge + `"}`: `"error":"too_large"`,
		`{"auth":"` + tooLarge + `","action":"attach",` +
			`"event":{"type":"issueUpdate","id":"610217e481f6fc54736209e0"}}`: "the token has more than 8192 bytes",
	} {
		conn := r.dial("/ws")
		say(t, conn, frame)
		if answer, err := next(t, conn); err != nil || !strings.Contains(answer, want) {
			t.Errorf("%.20s: %s %v, want %s", frame, answer, err, want)
		}
	}
}
