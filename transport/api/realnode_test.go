package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The fake node may be wrong about the real one, so this test makes every call to a real one.
func TestAPI_OfARealNode(t *testing.T) {
	node := actors.New(actors.Config{}, nil, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	a := New(Config{}, node, fakeKeys{"k1": "acme", "k2": "unknown"})
	do := func(handler http.Handler, r *http.Request) response {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return response{w.Code, w.Header(), w.Body.String(), t}
	}
	call := func(method, target, body string) response { return do(a.Public(), request(method, target, body)) }

	body := `{"event":{"kind":"project_updated","id":"i-1","data":{"project_name":"apollo","trigger":"audit"}}}`
	first, again := call("POST", publishPath, body), call("POST", publishPath, body)
	if again.status != 200 || again.body != strings.Replace(first.body, `"duplicate":false`, `"duplicate":true`, 1) ||
		!strings.Contains(first.body, `"offset":1,"id":"i-1"`) {
		t.Errorf("published:\n%s\n%s", first.body, again.body)
	}
	var receipt struct{ Epoch string }
	json.Unmarshal([]byte(first.body), &receipt)
	h := call("GET", "/api/v1/topics/projects%2Fapollo/history?offset=0&epoch="+receipt.Epoch, "")
	if h.status != 200 || !strings.Contains(h.body,
		`"id":"i-1","kind":"project_updated","data":{"project_name":"apollo","trigger":"audit"},"time":"`) {
		t.Errorf("history: %s", h.body)
	}
	// F36: the first of January of the year 1 is a valid time.
	call("POST", publishPath, `{"topic":"old","event":{"kind":"json","data":{},"time":"0001-01-01T00:00:00Z"}}`)
	if h := call("GET", "/api/v1/topics/old/history", ""); !strings.Contains(h.body, `"time":"0001-01-01T00:00:00Z"`) {
		t.Errorf("history: %s", h.body)
	}
	call("GET", "/api/v1/topics/projects%2Fapollo/history?offset=9&epoch="+receipt.Epoch,
		"").refuses(protocol.PositionLost)
	call("GET", "/api/v1/topics/projects%2Fapollo/history?offset=1&epoch=old", "").refuses(protocol.PositionLost)
	topics := call("GET", "/api/v1/topics?prefix=proj&limit=1", "")
	if !strings.Contains(topics.body, `"name":"projects/apollo"`) {
		t.Errorf("topics: %s", topics.body)
	}
	call("POST", publishPath, `{"users":["1","2"],"event":{"kind":"json","data":{},"id":"u"}}`).is(200,
		`{"delivered":0,"id":"u"}`)
	call("POST", publishPath, `{"all":true,"event":{"kind":"json","data":{},"id":"u"}}`).is(200,
		`{"delivered":0,"id":"u"}`)
	call("GET", "/api/v1/users/1", "").refuses(protocol.NotFound)
	call("GET", "/api/v1/connections/1", "").refuses(protocol.NotFound)
	call("GET", "/api/v1/connections?cursor=nonsense", "").refuses(protocol.Malformed)
	call("DELETE", "/api/v1/connections/1", "").refuses(protocol.NotFound)
	call("GET", "/api/v1/connections", "").is(200, `{"connections":[],"cursor":""}`)
	call("POST", "/api/v1/users/1/disconnect", "").is(200, `{"disconnected":0}`)
	call("POST", "/api/v1/revoke", `{"user":"1"}`).is(200, `{"closed":0}`)

	if problems, err := testutil.GatherAndLint(a.counters.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	if ready := do(a.Internal(), request("GET", "/readyz", "")); ready.status != 200 {
		t.Errorf("ready: %s", ready.body)
	}
	if err := node.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	do(a.Internal(), request("GET", "/readyz", "")).refuses(protocol.Draining)
	stranger := request("GET", "/api/v1/topics", "")
	stranger.Header.Set("Authorization", "Bearer k2")
	do(a.Public(), stranger).refuses(protocol.NotFound, "unknown tenant")
}
