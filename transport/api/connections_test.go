package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// connectionJSON is the connection c-1 of fakeNode.
const connectionJSON = `{"id":"c-1","user":"42","dialect":"dashboard","since":"2026-01-31T12:00:00Z",` +
	`"remote_address":"192.0.2.7",` +
	`"in_messages":3,"in_bytes":120,"out_messages":9,"out_bytes":2048,"queued_frames":1,"queued_bytes":77,` +
	`"subscriptions":["a/b","projects"]}`

// R001.67: a connection has the time of its start and counts what it sent and received. R001.85: it lists its
// subscriptions.
func TestConnections_ShowSinceMessagesAndSubscriptions(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("GET", "/api/v1/connections", "").is(200, `{"connections":[],"cursor":""}`)
	h.node.connect("c-1", "42", "a/b", "projects")
	h.call("GET", "/api/v1/connections", "").is(200, `{"connections":[`+connectionJSON+`],"cursor":""}`)
	h.call("GET", "/api/v1/connections/c-1", "").is(200, connectionJSON)
	h.call("GET", "/api/v1/connections/c-2", "").refuses(protocol.NotFound, `no connection "c-2"`)
	h.call("GET", "/api/v1/users/42", "").is(200,
		`{"user":"42","presence":{"online":true,"since":"2026-01-31T12:00:00Z","connections":1},`+
			`"connections":[`+connectionJSON+`]}`)
	h.call("GET", "/api/v1/users/43", "").refuses(protocol.NotFound)
	h.node.users["44"] = []actors.ConnectionInfo{}
	h.call("GET", "/api/v1/users/44", "").refuses(protocol.NotFound, `user "44" has no connection`)
}

func TestConnections_ShowWhatTheyResumedOfABrokenOne(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42", "a/b", "projects")
	c := &h.node.users["42"][0]
	c.Restored, c.Replayed, c.Missed = 2, 5, 1
	want := strings.TrimSuffix(connectionJSON, "}") + `,"resumed":{"subscriptions":2,"replayed":5,"missed":1}}`
	h.call("GET", "/api/v1/connections/c-1", "").is(200, want)
}

func TestConnections_ArePagedAndFiltered(t *testing.T) {
	h := newTestAPI(t, Config{})
	for i := range 7 {
		h.node.connect(fmt.Sprintf("c&=%d", i), "42", "a/b")
	}
	seen, cursor := 0, ""
	for range 4 {
		query := "limit=2&user=42&dialect=dashboard&topic=a%2Fb&cursor=" + url.QueryEscape(cursor)
		a := h.call("GET", "/api/v1/connections?"+query, "")
		var page struct {
			Connections []struct{ ID string }
			Cursor      string
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatal(err, a.body)
		}
		for _, c := range page.Connections {
			if want := fmt.Sprintf("c&=%d", seen); c.ID != want {
				t.Errorf("connection %s, want %s", c.ID, want)
			}
			seen++
		}
		want := actors.ConnectionQuery{User: "42", Dialect: "dashboard", Topic: "a/b", Cursor: cursor, Limit: 2}
		if got := h.node.queries[len(h.node.queries)-1]; got != want {
			t.Errorf("query %+v, want %+v", got, want)
		}
		cursor = page.Cursor
	}
	if seen != 7 || cursor != "" {
		t.Errorf("saw %d connections, cursor %q", seen, cursor)
	}
	h.call("GET", "/api/v1/connections", "")
	if got := h.node.queries[len(h.node.queries)-1]; got != (actors.ConnectionQuery{Limit: 100}) {
		t.Errorf("the default page is %+v", got)
	}
}

func TestDisconnect_ClosesAConnectionOrAllOfAUser(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	h.node.connect("c-2", "42")
	h.call("POST", "/api/v1/users/42/disconnect", "").is(200, `{"disconnected":2}`)
	h.call("POST", "/api/v1/users/42/disconnect", `{"code":4000,"reason":"signed out"}`).is(200, `{"disconnected":2}`)
	if got := h.node.closed["c-2"]; got != (closeOptions{4000, "signed out"}) {
		t.Errorf("closed with %+v", got)
	}
	h.call("POST", "/api/v1/users/42/disconnect", `{"code":null,"reason":null}`).is(200, `{"disconnected":2}`)
	h.call("POST", "/api/v1/users/nobody/disconnect", "{}").is(200, `{"disconnected":0}`) // R002.12: a no-op
	h.call("DELETE", "/api/v1/connections/c-1", "").is(200, `{"disconnected":1}`)
	h.call("DELETE", "/api/v1/connections/c-1", `{"code":1008}`).is(200, `{"disconnected":1}`)
	if got := h.node.closed["c-1"]; got != (closeOptions{code: 1008}) {
		t.Errorf("closed with %+v", got)
	}
	h.call("DELETE", "/api/v1/connections/c-9", "").refuses(protocol.NotFound)
	for body, text := range map[string]string{
		`{"code":999}`: "code must be", `{"code":1005}`: "code must be", `{"code":1006}`: "code must be",
		`{"code":1015}`: "code must be",
		`{"code":2000}`: "code must be", `{"code":5000}`: "code must be", `{"code":"1000"}`: "code must be",
		`{"code":1e3}`: "code must be", `{"code":-1}`: "code must be",
		`{"reason":5}`: "reason must be a string", `{"reason":"a\nb"}`: "control",
		`{"reason":"` + strings.Repeat("x", 124) + `"}`: "a close frame holds 123",
		`{"cod":1}`: `no member "cod"; known are code, reason`, `[]`: "JSON object",
	} {
		h.call("POST", "/api/v1/users/42/disconnect", body).refuses(protocol.Malformed, text)
		h.call("DELETE", "/api/v1/connections/c-1", body).refuses(protocol.Malformed, text)
	}
	h.call("DELETE", "/api/v1/connections/c-1", strings.Repeat(" ", 5000)).refuses(protocol.TooLarge, "4096")
}
