package api

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// ended is the entry of a connection of a tenant, which its client closed.
func ended(tenant, id, user string) recorder.Entry {
	e := recorder.Entry{Tenant: tenant, Connection: id, User: user, Dialect: "dashboard", Remote: "192.0.2.7",
		RequestID: "r-" + id, Opened: noon, Closed: noon.Add(1500e6), InMessages: 1, InBytes: 7,
		Close: recorder.Close{By: recorder.Client, Code: 1001, Reason: protocol.Disconnected}}
	e.Last.Set(0, false, 7)
	return e
}

// closedJSON is what the API says of ended("acme", "ws-1", "42").
const closedJSON = `{"state":"closed","id":"ws-1","user":"42","dialect":"dashboard","remote_address":"192.0.2.7",` +
	`"origin":"","since":"2026-01-31T12:00:00Z","closed":"2026-01-31T12:00:01.5Z","seconds":1.5,"by":"client",` +
	`"code":1001,"reason":"disconnected","why":"The client closed the connection with code 1001.","rule":"",` +
	`"request_id":"r-ws-1","in_messages":1,"in_bytes":7,"out_messages":0,"out_bytes":0,"queued_frames":0,` +
	`"queued_bytes":0,"last_frames":[{"direction":"in","kind":"text","bytes":7}]}`

func TestConnections_ThatHaveEndedAreFoundByIdAndInTheList(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.recorder.Ended(ended("acme", "ws-1", "42"))
	h.call("GET", "/api/v1/connections/ws-1", "").is(200, closedJSON)
	h.call("GET", "/api/v1/connections", "").is(200, `{"connections":[],"cursor":""}`)
	for _, query := range []string{"", "&user=42", "&reason=disconnected", "&address=192.0.2.7", "&request_id=r-ws-1"} {
		h.call("GET", "/api/v1/connections?state=closed"+query, "").
			is(200, `{"connections":[`+closedJSON+`],"cursor":""}`)
	}
	for _, query := range []string{"user=43", "reason=slow", "address=192.0.2.8", "request_id=r"} {
		h.call("GET", "/api/v1/connections?state=closed&"+query, "").is(200, `{"connections":[],"cursor":""}`)
	}
}

func TestConnections_ThatHaveEndedAreOfOneTenantOnly(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.recorder.Ended(ended("other", "ws-1", "42"))
	h.node.recorder.Ended(ended("", "ws-2", ""))
	h.call("GET", "/api/v1/connections?state=closed", "").is(200, `{"connections":[],"cursor":""}`)
	h.call("GET", "/api/v1/connections/ws-1", "").refuses(protocol.NotFound, `no connection "ws-1"`)
	h.call("GET", "/api/v1/connections/ws-2", "").refuses(protocol.NotFound, `no connection "ws-2"`)
}

func TestConnections_ThatHaveEndedComeInPages(t *testing.T) {
	h := newTestAPI(t, Config{})
	for i := range 3 {
		h.node.recorder.Ended(ended("acme", fmt.Sprint("ws-", i), "42"))
	}
	want, cursor := []string{"ws-2", "ws-1", "ws-0"}, ""
	for i, id := range want {
		var page struct {
			Connections []struct{ ID string }
			Cursor      string
		}
		read(t, h.call("GET", "/api/v1/connections?state=closed&limit=1&cursor="+cursor, ""), &page)
		if len(page.Connections) != 1 || page.Connections[0].ID != id || (page.Cursor == "") != (i == 2) {
			t.Errorf("page %d is %+v", i, page)
		}
		cursor = page.Cursor
	}
}

func TestConnections_RefuseQueriesThatDoNotFitTheirState(t *testing.T) {
	h := newTestAPI(t, Config{})
	for query, text := range map[string]string{
		"state=gone": "open or closed", "reason=slow": "state=closed", "address=::1": "state=closed",
		"state=closed&topic=a": "open connections", "state=closed&reason=odd": "no reason",
		"state=closed&cursor=x": "cursor", "state=closed&cursor=0": "cursor",
	} {
		h.call("GET", "/api/v1/connections?"+query, "").refuses(protocol.Malformed, text)
	}
}

func read(t *testing.T, a response, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil || a.status != 200 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

func TestRefusals_AreThoseOfTheTenantAndForOperatorsAll(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1"})
	for _, tenant := range []string{"acme", "other", ""} {
		h.node.recorder.Refused(recorder.Entry{Tenant: tenant, Remote: "192.0.2.7", RequestID: "r" + tenant,
			Closed: noon, Status: 403, Close: recorder.Close{Reason: protocol.TokenExpired}})
	}
	list := func(path string) (ids []string) {
		var page struct {
			Refusals []struct {
				RequestID string `json:"request_id"`
				Why, Rule string
			}
		}
		read(t, h.call("GET", path, ""), &page)
		for _, r := range page.Refusals {
			ids = append(ids, r.RequestID)
			if r.Why != "The server refused the handshake: the token has expired." || r.Rule != "token_expiry" {
				t.Errorf("%s says %q by %q", path, r.Why, r.Rule)
			}
		}
		return ids
	}
	if ids := list("/api/v1/refusals"); len(ids) != 1 || ids[0] != "racme" {
		t.Errorf("a tenant sees %q", ids)
	}
	if ids := list("/api/v1/admin/refusals"); len(ids) != 3 {
		t.Errorf("operators see %q", ids)
	}
}
