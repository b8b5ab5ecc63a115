package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// A call that asks the node answers with the status that the table of reasons gives to the error.
func TestErrors_HaveTheStatusOfTheirReason(t *testing.T) {
	targets := [][3]string{
		{"POST", publishPath, `{"all":true,"event":{"kind":"json","data":{}}}`},
		{"GET", "/api/v1/users/42"}, {"POST", "/api/v1/users/42/disconnect"}, {"GET", "/api/v1/connections"},
		{"GET", "/api/v1/connections/c"},
		{"DELETE", "/api/v1/connections/c"}, {"GET", "/api/v1/topics"}, {"GET", "/api/v1/topics/t/history"},
		{"GET", "/api/v1/topics/t/members"},
		{"POST", "/api/v1/revoke", `{"user":"1"}`},
	}
	for _, reason := range []protocol.Reason{protocol.Malformed, protocol.Forbidden, protocol.Conflict,
		protocol.PositionLost, protocol.TooLarge,
		protocol.TooMany, protocol.RateLimited, protocol.Busy, protocol.Draining, protocol.Internal} {
		for _, target := range targets {
			h := newTestAPI(t, Config{})
			h.node.fail = &protocol.Refusal{Reason: reason}
			a := h.call(target[0], target[1], target[2])
			a.refuses(reason, reason.Message())
			if waits := a.status == 429 || a.status == 503; waits != (a.header.Get("Retry-After") == "1") {
				t.Errorf("%d has Retry-After %q", a.status, a.header.Get("Retry-After"))
			}
		}
	}
}

func TestErrors_UnknownOnesSayNothingAndAreLoggedOnce(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.fail = errors.New("dial tcp 10.0.0.7: password s3cret")
	h.call("GET", "/api/v1/topics", "").is(500, `{"error":{"code":"internal","message":"internal error"}}`)
	if n := strings.Count(h.log.String(), "password s3cret"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, h.log)
	}
}

func TestErrors_APanicIs500AndIsLoggedOnce(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.panics = true
	h.call("GET", "/api/v1/topics", "").is(500, `{"error":{"code":"internal","message":"internal error"}}`)
	if log := h.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "panic in the API") ||
		strings.Contains(log, "\x1b") {
		t.Errorf("log:\n%s", log)
	}
	h.node.panics = false
	h.call("GET", "/api/v1/topics", "").is(200, `{"topics":[],"cursor":""}`)
}
