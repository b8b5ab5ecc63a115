package api

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// F32: the query can name what the path names, for proxies that decode the path; the answers are the same.
func TestQuery_NamesWhatAPathNames(t *testing.T) {
	const topic, user = "a/b c/ä&=+%2F", "x/y/../z"
	twin := func(method, path, query, body string) {
		t.Helper()
		made := func() *testAPI {
			h := newTestAPI(t, Config{})
			h.node.connect("c-1", user)
			h.node.connect("c-2", "disconnect")
			h.call("POST", publishPath, `{"topic":"`+topic+`","event":{"kind":"json","data":{}}}`)
			return h
		}
		want := made().call(method, path, body)
		if want.status != 200 {
			t.Fatalf("%s: %d %s", path, want.status, want.body)
		}
		made().call(method, query, body).is(want.status, want.body)
	}
	t1, u := url.QueryEscape(topic), url.QueryEscape(user)
	twin("GET", "/api/v1/topics/"+url.PathEscape(topic)+"/history?limit=5", "/api/v1/topics/history?limit=5&topic="+t1,
		"")
	twin("GET", "/api/v1/users/"+url.PathEscape(user), "/api/v1/users?user="+u, "")
	twin("POST", "/api/v1/users/"+url.PathEscape(user)+"/disconnect", "/api/v1/users/disconnect?user="+u,
		`{"code":4000}`)
	twin("GET", "/api/v1/users/disconnect", "/api/v1/users?user=disconnect", "") // a user may be called so

	h := newTestAPI(t, Config{})
	for target, words := range map[string]string{
		"/api/v1/topics/history": "topic is empty", "/api/v1/topics/history?topic=": "topic is empty",
		"/api/v1/topics/history?topic=a&topic=b": "twice",
		"/api/v1/topics/history?topic=a//b":      "empty segment", "/api/v1/topics/a/history?topic=b": "no parameter",
		"/api/v1/topics/history?topic=a&user=b": "no parameter",
		"/api/v1/users":                         "user is empty", "/api/v1/users?user=%0a": "control",
		"/api/v1/users?user=a&x=1": "no parameter", "/api/v1/users/a?user=b": "no query parameters",
	} {
		h.call("GET", target, "").refuses(protocol.Malformed, words)
	}
	h.call("POST", "/api/v1/users/disconnect", "").refuses(protocol.Malformed, "user is empty")
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
			`user, dialect, topic, state, reason, address, request_id`,
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

// A user's or topic's name may hold anything that CheckName allows, percent-encoded.
func TestPaths_NamesAreDecodedOnce(t *testing.T) {
	h := newTestAPI(t, Config{})
	users := []string{"a/b", "a%2Fb", "ü 漢", "a?b#c", "..", ".", "a+b", "x;y=z", "a\\b", "%", "history"}
	for _, user := range users {
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
