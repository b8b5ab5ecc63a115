package api

import (
	"net/url"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// F32: what a path names can be named by the query, where a proxy decodes the path; the answers are the same.
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
