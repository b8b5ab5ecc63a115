package api

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const adminPath = "/api/v1/admin/tenants"

func TestOperators_ListDrainRestartAndSuspendATenant(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	h.call("GET", adminPath, "").is(200, `{"tenants":[{"tenant":"acme","figures":{"totalConnections":4,`+
		`"activeConnections":2,"authenticatedConnections":1,`+
		`"messagesReceived":10,"messagesSent":30,"bytesReceived":400,"bytesSent":9000,`+
		`"averageConnectionDuration":12.5,"messagesPerConnection":10},"suspended":false}]}`)
	h.call("POST", adminPath+"/acme/drain", "").is(200, `{"tenant":"acme","closed":1}`)
	h.call("POST", adminPath+"/acme/drain", `{"over":0.5}`).is(200, `{"tenant":"acme","closed":1}`)
	h.call("POST", adminPath+"/acme/restart", "").is(200, `{"tenant":"acme","restarted":true}`)
	h.call("POST", adminPath+"/acme/suspend", "").is(200, `{"tenant":"acme","suspended":true}`)
	h.call("POST", adminPath+"/acme/resume", "").is(200, `{"tenant":"acme","suspended":false}`)
	want := []string{"drain acme over 2s", "drain acme over 500ms", "restart acme", "suspend acme true",
		"suspend acme false"}
	if !slices.Equal(h.node.operations, want) {
		t.Errorf("the node was asked for %q", h.node.operations)
	}
	for _, verb := range []string{"drain", "restart", "suspend", "resume"} {
		h.call("POST", adminPath+"/other/"+verb, "").refuses(protocol.NotFound)
	}
	h.node.fail = context.DeadlineExceeded
	h.call("POST", adminPath+"/acme/drain", "").is(200, `{"tenant":"acme","closed":1}`)
	h.call("POST", adminPath+"/acme/restart", "").is(200, `{"tenant":"acme","restarted":true}`)
}

func TestOperators_DrainNamesItsLimit(t *testing.T) {
	h := newTestAPI(t, Config{RequestTimeout: 3 * time.Second})
	for _, over := range []string{"0", "-1", "3.1", "NaN", "Inf", `"2s"`, "true", "1e9"} {
		h.call("POST", adminPath+"/acme/drain", fmt.Sprintf(`{"over":%s}`, over)).refuses(protocol.Malformed)
	}
	h.call("POST", adminPath+"/acme/drain", `{"over":4}`).refuses(protocol.Malformed, "up to 3", "request_timeout")
	h.call("POST", adminPath+"/acme/drain", `{"seconds":4}`).refuses(protocol.Malformed, "known are over")
	if len(h.node.operations) > 0 {
		t.Errorf("the node was asked for %q", h.node.operations)
	}
}

func TestOperators_WithAnAdminKeyNeedIt(t *testing.T) {
	for authorization, code := range map[string]protocol.Reason{
		"": protocol.Unauthorized, "Bearer k1": protocol.InvalidToken, "Bearer the-admin-key-": protocol.InvalidToken,
		"Basic the-admin-key": protocol.InvalidToken,
	} {
		for _, r := range internalRoutes {
			if r.principal == operator {
				h := newTestAPI(t, Config{AdminKey: "the-admin-key", AdminKeyOnly: true})
				h.do(shows(r.method, r.path, authorization)).refuses(code)
				if len(h.node.operations) > 0 {
					t.Errorf("%s with %q was done", r.path, authorization)
				}
			}
		}
	}
	r := shows("GET", adminPath, "Bearer the-admin-key")
	r.Header.Set("Origin", "https://console.example")
	if a := newTestAPI(t, Config{AdminKey: "the-admin-key", AdminKeyOnly: true}).do(r); a.status != 200 {
		t.Errorf("with the key: %d %s", a.status, a.body)
	}
}

// A page in a browser on the server's machine reaches loopback too.
func TestOperators_WithoutAnAdminKeyAWebPageIsRefused(t *testing.T) {
	for _, header := range []string{"Origin", "Sec-Fetch-Site"} {
		r := shows("POST", adminPath+"/acme/suspend", "")
		r.Header.Set(header, "null")
		h := newTestAPI(t, Config{})
		h.do(r).refuses(protocol.Forbidden, "api.admin_key")
		if len(h.node.operations) > 0 {
			t.Errorf("a page with %s suspended a tenant", header)
		}
	}
	newTestAPI(t, Config{AdminKeyOnly: true}).do(shows("GET", adminPath, "")).refuses(protocol.Forbidden,
		"not loopback", "api.admin_key")
}

func TestOperators_TheViewerKeyLooksAndChangesNothing(t *testing.T) {
	for _, r := range internalRoutes {
		if r.principal != operator {
			continue
		}
		h := newTestAPI(t, Config{AdminKey: "the-admin-key", ViewerKey: "the-viewer-key"})
		answer := h.do(shows(r.method, strings.ReplaceAll(r.path, "{tenant}", "acme"), "Bearer the-viewer-key"))
		if looks := r.method == "GET"; looks && answer.status != 200 {
			t.Errorf("%s: %d %s", r.pattern(), answer.status, answer.body)
		} else if !looks {
			answer.refuses(protocol.Forbidden, "viewer key")
		}
		if len(h.node.operations) > 0 {
			t.Errorf("%s was done", r.pattern())
		}
	}
}

// An empty viewer key is none, and one alone does not open what the address alone would.
func TestOperators_AKeyThatIsNotSetOpensNothing(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "the-admin-key"})
	h.do(shows("GET", adminPath, "Bearer ")).refuses(protocol.InvalidToken)
	h.do(shows("GET", adminPath, "Bearer the-viewer-key")).refuses(protocol.InvalidToken)
}

func TestTrust_NeedsNoKeyAndNamesTheTenant(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "the-admin-key", Rate: 1, Burst: 1})
	for range 3 {
		r := Trust(httptest.NewRequest("GET", "/api/v1/stats", nil), "acme")
		if a := h.do(r); a.status != 200 || !strings.Contains(a.body, `"tenant":"acme"`) {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := h.do(Trust(httptest.NewRequest("GET", adminPath, nil), "")); a.status != 200 {
		t.Errorf("an operator's call: %d %s", a.status, a.body)
	}
	h.do(Trust(httptest.NewRequest("POST", "/api/v1/ws/ticket", nil), "acme")).refuses(protocol.Unauthorized)
}
