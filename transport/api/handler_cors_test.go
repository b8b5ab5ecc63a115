package api

import (
	"net/http"
	"testing"
)

// crossOrigin lets the pages of app.example make the calls of users.
var crossOrigin = Config{AllowsOrigin: func(r *http.Request) bool {
	return r.Header.Get("Origin") == "https://app.example"
}}

// F31: a page that may open sockets may fetch its ticket, and read why it gets none.
func TestCORS_APageThatMayOpenSocketsMayFetchATicket(t *testing.T) {
	h := newTestAPI(t, crossOrigin)
	ask := shows("OPTIONS", ticketPath, "")
	ask.Header.Set("Origin", "https://app.example")
	ask.Header.Set("Access-Control-Request-Method", "POST")
	ask.Header.Set("Access-Control-Request-Headers", "authorization,x-csrf-token")
	a := h.do(ask)
	if a.status != http.StatusNoContent {
		t.Errorf("the preflight is %d %s", a.status, a.body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Allow-Methods": "POST, OPTIONS",
		"Vary":                         "Origin",
		"Access-Control-Allow-Headers": "authorization,x-csrf-token", "Access-Control-Allow-Credentials": "true",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("preflight: %s is %q, not %q", name, got, want)
		}
	}
	for authorization, status := range map[string]int{"Bearer alice": 201, "Bearer mallory": 401, "": 401} {
		r := shows("POST", ticketPath, authorization)
		r.Header.Set("Origin", "https://app.example")
		a := h.do(r)
		if a.status != status || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
			a.header.Get("Vary") != "Origin" {
			t.Errorf("%q: %d %q", authorization, a.status, a.header)
		}
	}
}

// F31: no other page may read the answer, and no page may make the calls of backends and operators.
func TestCORS_IsForCallsOfUsersAndAllowedPagesAlone(t *testing.T) {
	h := newTestAPI(t, crossOrigin)
	closed := func(r *http.Request) {
		t.Helper()
		a := h.do(r)
		for name := range a.header {
			if len(name) > 15 && name[:15] == "Access-Control-" {
				t.Errorf("%s %s of %q says %s", r.Method, r.URL.Path, r.Header["Origin"], name)
			}
		}
	}
	for _, method := range []string{"OPTIONS", "POST"} {
		for _, origins := range [][]string{nil, {"https://evil.example"}, {"null"},
			{"https://app.example", "https://app.example"}} {
			r := shows(method, ticketPath, "Bearer alice")
			r.Header["Origin"] = origins
			closed(r)
		}
	}
	for _, list := range [][]route{publicRoutes, internalRoutes} {
		for _, call := range list {
			if call.principal == user {
				continue
			}
			for _, method := range []string{"OPTIONS", call.method} {
				r := request(method, call.path, "")
				r.Header.Set("Origin", "https://app.example")
				closed(r)
			}
		}
	}
}
