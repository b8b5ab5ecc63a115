package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// The connection c-1 of newHouse's tests.
const connectionJSON = `{"id":"c-1","user":"42","dialect":"dashboard","since":"2026-01-31T12:00:00Z",` +
	`"remote_address":"192.0.2.7",` +
	`"in_messages":3,"in_bytes":120,"out_messages":9,"out_bytes":2048,"queued_frames":1,"queued_bytes":77,` +
	`"subscriptions":["a/b","projects"]}`

// R001.67: since when a connection lives and what it sent and received. R001.85: its subscriptions can be looked at.
func TestConnections_TellSinceMessagesAndSubscriptions(t *testing.T) {
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

func TestConnections_TellWhatTheyTookOverFromOneThatBroke(t *testing.T) {
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

func TestQueries_RefusalNamesTheParameter(t *testing.T) {
	for target, text := range map[string]string{
		"/api/v1/connections?limit=0":                    "limit must be an integer from 1 to 1000",
		"/api/v1/connections?limit=1001":                 "limit must be",
		"/api/v1/connections?limit=-1":                   "limit must be",
		"/api/v1/connections?limit=2x":                   "limit must be",
		"/api/v1/connections?limit=99999999999999999999": "limit must be",
		"/api/v1/connections?limit=2&limit=3":            "limit is there twice",
		"/api/v1/connections?page=2": `no parameter "page"; known are cursor, limit, ` +
			`user, dialect, topic`,
		"/api/v1/connections?topic=a%2F%2Fb":                      "empty segment",
		"/api/v1/connections?user=%00":                            "control",
		"/api/v1/connections?user=%ff":                            "UTF-8",
		"/api/v1/connections?user=%zz":                            "percent-encoded",
		"/api/v1/connections?cursor=%ff":                          "cursor must be",
		"/api/v1/connections?cursor=" + strings.Repeat("x", 1025): "cursor must be",
		"/api/v1/topics?prefix=" + strings.Repeat("x", 256):       "255",
		"/api/v1/topics?prefix=%ff":                               "UTF-8",
		"/api/v1/topics?user=1":                                   "known are cursor, limit, prefix",
		"/api/v1/topics/a/history?offset=-1":                      "offset must be",
		"/api/v1/topics/a/history?offset=18446744073709551616":    "offset must be",
		"/api/v1/topics/a/history?offset=x":                       "offset must be",
		"/api/v1/topics/a/history?epoch=%0a":                      "control",
		"/api/v1/topics/a/history?limit=0":                        "limit must be",
		"/api/v1/topics/a/history?since=1":                        "known are epoch, offset, limit",
		"/api/v1/topics/a%2F%2E%2E/history":                       "segment of dots",
		"/api/v1/topics/%E2%80%8B/history":                        "invisible",
		"/api/v1/topics/" + strings.Repeat("x", 256) + "/history": "256 bytes",
		"/api/v1/users/%20x":                                      "space",
		"/api/v1/users/" + strings.Repeat("x", 256):               "256 bytes",
		"/api/v1/users/42?x=1":                                    "no query parameters",
		"/api/v1/connections/%00":                                 "control",
		"/api/v1/stats?x=1":                                       "no query parameters",
	} {
		h := newTestAPI(t, Config{})
		h.node.topic("a")
		h.call("GET", target, "").refuses(protocol.Malformed, text)
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

func TestTopics_ArePagedByPrefix(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("GET", "/api/v1/topics", "").is(200, `{"topics":[],"cursor":""}`)
	for _, topic := range []string{"a/1", "a/2", "a/3", "b"} {
		h.call("POST", publishPath, `{"topic":"`+topic+`","event":{"kind":"json","data":{}}}`)
	}
	h.node.connect("c-1", "42", "a/3")
	h.call("GET", "/api/v1/topics?prefix=a%2F&limit=2", "").is(200, `{"topics":[`+
		`{"name":"a/1","subscribers":0,"epoch":"e1","offset":1,"history_length":1},`+
		`{"name":"a/2","subscribers":0,"epoch":"e1","offset":1,"history_length":1}],"cursor":"a/2"}`)
	h.call("GET", "/api/v1/topics?prefix=a/&limit=2&cursor=a/2", "").is(200, `{"topics":[`+
		`{"name":"a/3","subscribers":1,"epoch":"e1","offset":1,"history_length":1}],"cursor":""}`)
}

func TestHistory_TellsWhatFollowsAPosition(t *testing.T) {
	h := newTestAPI(t, Config{})
	for i := range 3 {
		h.call("POST", publishPath,
			fmt.Sprintf(`{"topic":"a/b c","event":{"kind":"json","data":{"n": %d},"id":"i%d"}}`, i+1, i+1))
	}
	event := func(n int) string {
		return fmt.Sprintf(
			`{"offset":%d,"id":"i%d","kind":"json","data":{"n": %d},"time":"2026-01-31T12:00:00Z"}`, n, n, n)
	}
	path := "/api/v1/topics/a%2Fb%20c/history"
	h.call("GET", path, "").is(200, `{"epoch":"e1","offset":3,"events":[`+event(1)+`,`+event(2)+`,`+event(3)+`]}`)
	h.call("GET", path+"?epoch=e1&offset=1&limit=1", "").is(200, `{"epoch":"e1","offset":3,"events":[`+event(2)+`]}`)
	h.call("GET", path+"?epoch=e1&offset=3", "").is(200, `{"epoch":"e1","offset":3,"events":[]}`)
	h.call("GET", path+"?epoch=e0&offset=1", "").refuses(protocol.PositionLost)
	h.call("GET", path+"?epoch=e1&offset=4", "").refuses(protocol.PositionLost)
	h.call("GET", path+"?epoch=e1&offset=9223372036854775808", "").refuses(protocol.PositionLost)
	h.call("GET", "/api/v1/topics/none/history", "").refuses(protocol.NotFound)
	h.call("GET", "/api/v1/topics/a/b%20c/history", "").refuses(protocol.NotFound, "no such path")
}

// F7: an offset says nothing without the epoch that it was counted in; 0 is the beginning in any.
func TestHistory_AnOffsetWithoutItsEpochIsRefused(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.topic("a")
	for _, query := range []string{"offset=5", "offset=1&limit=10", "epoch=&offset=5", "offset=18446744073709551615"} {
		h.call("GET", "/api/v1/topics/a/history?"+query, "").refuses(protocol.Malformed, "needs the epoch")
		h.call("GET", "/api/v1/topics/none/history?"+query, "").refuses(protocol.Malformed, "needs the epoch")
	}
	h.call("GET", "/api/v1/topics/a/history?offset=0", "").is(200, `{"epoch":"e1","offset":0,"events":[]}`)
}

func TestHistory_PageEndsWhenItHasTooManyBytes(t *testing.T) {
	h := newTestAPI(t, Config{MaxBody: 4000})
	for range 10 {
		h.call("POST", publishPath,
			`{"topic":"t","event":{"kind":"json","data":{"x":"`+strings.Repeat("x", 1000)+`"}}}`)
	}
	seen := uint64(0)
	for pages := 1; seen < 10; pages++ {
		a := h.call("GET", fmt.Sprintf("/api/v1/topics/t/history?epoch=e1&offset=%d", seen), "")
		var page struct{ Events []struct{ Offset uint64 } }
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Events) == 0 || len(a.body) > 5000 ||
			pages > 5 {
			t.Fatalf("page %d has %d events in %d bytes: %v", pages, len(page.Events), len(a.body), err)
		}
		for _, e := range page.Events {
			if seen++; e.Offset != seen {
				t.Errorf("offset %d, want %d", e.Offset, seen)
			}
		}
	}
}

// R001.65, R001.66: the members of the document's ConnectionMonitor.
func TestStats_AreThoseOfTheDocument(t *testing.T) {
	figures := `"totalConnections":4,"activeConnections":2,"authenticatedConnections":1,"messagesReceived":10,` +
		`"messagesSent":30,` +
		`"bytesReceived":400,"bytesSent":9000,"averageConnectionDuration":12.5,"messagesPerConnection":10`
	newTestAPI(t, Config{}).call("GET", "/api/v1/stats", "").is(200,
		`{"tenant":"acme",`+figures+`,"dialects":{"dashboard":{`+figures+`}}}`)
	got := string(appendFigures([]byte("{"), actors.DialectStats{}))
	if !strings.HasSuffix(got, `"averageConnectionDuration":0,"messagesPerConnection":0`) {
		t.Errorf("without connections: %s", got)
	}
}

func TestRevoke_TakesBackAUserOrAToken(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	for body, want := range map[string]actors.Revocation{
		`{"user":"42"}`:                   {User: "42"},
		`{"user":42,"before":1769860800}`: {User: "42", Before: noon},
		`{"jti":"t-1"}`:                   {TokenID: "t-1"},
		`{"user":"42","jti":"t-1","before":"2026-01-31T12:00:00Z"}`: {User: "42", TokenID: "t-1", Before: noon},
		`{"user":"7","jti":null,"before":null}`:                     {User: "7"},
	} {
		a := h.call("POST", "/api/v1/revoke", body)
		if got := h.node.revoked[len(h.node.revoked)-1]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %+v", body, got)
		}
		a.is(200, fmt.Sprintf(`{"closed":%d}`, len(h.node.users[want.User])))
	}
	for body, text := range map[string]string{
		``: "empty", `{}`: "user, or jti", `{"before":1}`: "user, or jti", `{"user":""}`: "user is empty",
		`{"user":[]}`: "user's id",
		`{"jti":5}`:   "jti must be a string", `{"user":1,"before":"x"}`: "RFC 3339",
		`{"all":true}`: "known are user, jti, before",
	} {
		h.call("POST", "/api/v1/revoke", body).refuses(protocol.Malformed, text)
	}
	h.call("POST", "/api/v1/revoke", strings.Repeat(" ", 5000)).refuses(protocol.TooLarge, "4096")
	if len(h.node.revoked) != 5 {
		t.Errorf("%d revocations", len(h.node.revoked))
	}
}

// F3: the same selectors take it back, in the query or as the body that made it, and only that one.
func TestRevoke_DELETETakesItBack(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, c := range []struct{ made, query, body string }{
		{`{"user":"4 2"}`, "?user=4%202", ""},
		{`{"user":"42","jti":"t-1"}`, "?user=42&jti=t-1", ""},
		{`{"jti":"t-1"}`, "", `{"jti":"t-1"}`},
		{`{"user":42,"before":1769860800}`, "", `{"user":42,"before":1769860800}`},
	} {
		h.call("POST", "/api/v1/revoke", c.made).is(200, `{"closed":0}`)
		h.call("DELETE", "/api/v1/revoke?user=another", "").is(200, `{"removed":0}`)
		h.call("DELETE", "/api/v1/revoke"+c.query, c.body).is(200, `{"removed":1}`)
		h.call("DELETE", "/api/v1/revoke"+c.query, c.body).is(200, `{"removed":0}`)
	}
	for query, text := range map[string]string{"": "empty", "?user=": "user, or jti", "?all=1": "no parameter",
		"?user=%01": "user", "?user=1&user=2": "twice"} {
		h.call("DELETE", "/api/v1/revoke"+query, "").refuses(protocol.Malformed, text)
	}
}

// A user's or topic's name may hold anything that CheckName allows, percent-encoded.
func TestPaths_NamesAreDecodedOnce(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, user := range []string{"a/b", "a%2Fb", "ü 漢", "a?b#c", "..", ".", "a+b", "x;y=z", "a\\b", "%", "history"} {
		h.node.connect("c", user)
		a := h.call("GET", "/api/v1/users/"+strings.ReplaceAll(url.PathEscape(user), ".", "%2E"), "")
		var got struct{ User string }
		if json.Unmarshal([]byte(a.body), &got); a.status != 200 || got.User != user {
			t.Errorf("user %q: %d %s", user, a.status, a.body)
		}
		escaped := strings.ReplaceAll(url.PathEscape(user), ".", "%2E")
		h.call("POST", "/api/v1/users/"+escaped+"/disconnect", "").is(200, `{"disconnected":1}`)
	}
}

// Every status that the table of reasons has comes out as it is, from every call that asks the node.
func TestErrors_HaveTheStatusOfTheirReason(t *testing.T) {
	targets := [][3]string{
		{"POST", publishPath, `{"all":true,"event":{"kind":"json","data":{}}}`},
		{"GET", "/api/v1/users/42"}, {"POST", "/api/v1/users/42/disconnect"}, {"GET", "/api/v1/connections"},
		{"GET", "/api/v1/connections/c"},
		{"DELETE", "/api/v1/connections/c"}, {"GET", "/api/v1/topics"}, {"GET", "/api/v1/topics/t/history"},
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

func TestTimes_AreInUTC(t *testing.T) {
	east := noon.In(time.FixedZone("east", 3600))
	if got := string(appendTime([]byte("{"), "since", east)); got != `{"since":"2026-01-31T12:00:00Z"` {
		t.Error(got)
	}
}
