package api

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// F26: the real authentik answers, with its own host and the client's headers, and what it must not see is not sent.
func TestUpstream_AnswersWithTheClientsHeaders(t *testing.T) {
	var seen atomic.Pointer[http.Request]
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		seen.Store(r)
		switch r.URL.Path {
		case "/auth/api/v3/outposts/radius/":
			io.WriteString(w, `{"pagination":{"next":0,"count":1},"results":[{"name":"real"}]}`)
		case "/auth/api/v3/moved/":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			io.WriteString(w, `{"results":[{"pk":"`+oneOutpost+`"}]}`)
		}
	}))
	defer authentik.Close()
	h := newTestAPI(t, Config{Forwarded: func(*http.Request) (string, string, string) {
		return "192.0.2.9", "https", "push.example"
	}})
	h.upstreamAt(authentik.URL + "/auth/")
	c := &outpostClient{t, h.served().URL, "2025.10.4"}
	if uuid, got := c.starts("radius"); uuid != oneOutpost || !slices.Equal(got, []string{"real"}) {
		t.Errorf("outpost %s has %q", uuid, got)
	}
	r := seen.Load()
	if r.Host != strings.TrimPrefix(authentik.URL, "http://") || r.URL.RawQuery != "page=1&page_size=2" {
		t.Errorf("asked for %s %s", r.Host, r.URL)
	}
	for name, want := range map[string]string{"Authorization": "Bearer outpost",
		"User-Agent":      "goauthentik.io/outpost/2025.10.4",
		"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "push.example"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	post := shows("POST", "/api/v3/flows/executor/login/?query=x", "")
	post.Header = http.Header{"Connection": {"Upgrade, X-Hop"}, "Upgrade": {"websocket"}, "X-Hop": {"1"},
		"Cookie": {"a=b"}, "X-Forwarded-For": {"6.6.6.6"}}
	post.Body, post.ContentLength = io.NopCloser(strings.NewReader("uid=1")), 5
	if a := h.do(post); a.status != 200 {
		t.Errorf("a POST is %d %s", a.status, a.body)
	}
	r = seen.Load()
	body, _ := io.ReadAll(r.Body)
	if r.Method != "POST" || string(body) != "uid=1" || r.Header.Get("Cookie") != "a=b" ||
		r.Header.Get("X-Hop")+r.Header.Get("Upgrade")+r.Header.Get("Authorization") != "" ||
		r.Header.Get("X-Forwarded-For") != "192.0.2.9" {
		t.Errorf("authentik saw %s %q %v", r.Method, body, r.Header)
	}
	if a := h.do(shows("GET", "/api/v3/moved/", "")); a.status != http.StatusFound ||
		a.header.Get("Location") != "/elsewhere" {
		t.Errorf("a redirect is %d %v", a.status, a.header)
	}
}

func (h *testAPI) upstreamAt(base string) {
	u, err := url.Parse(base)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Upstream(u)
}

// F26: nothing outside /api/v3/ is forwarded, however the path is written.
func TestUpstream_IsAskedForNothingElse(t *testing.T) {
	var asked atomic.Int32
	authentik := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer authentik.Close()
	h := newTestAPI(t, Config{})
	h.upstreamAt(authentik.URL)
	for _, path := range []string{"/api/v3/../v2/", "/api/v3/%2e%2e/v2/", "/api/v3/x%2F..%2F..%2Fv2/",
		"/api/v3/%2E%2E%2Fv2", "/api/v3/x%2F%2Fy/", "/api/v3//x"} {
		h.do(shows("GET", path, "Bearer outpost")).refuses(protocol.NotFound)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
	if a := h.do(shows("GET", "/api/v3/a%2Fb/", "Bearer outpost")); a.status != http.StatusOK {
		t.Errorf("a slash in a segment is %d", a.status)
	}
}

// F26: without trusted forwarding headers the connection says where a request is from.
func TestUpstream_SeesWhereARequestIsFrom(t *testing.T) {
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Proto"])
	}))
	defer authentik.Close()
	h := newTestAPI(t, Config{})
	h.upstreamAt(authentik.URL)
	r := shows("GET", "/api/v3/root/config/", "Bearer outpost")
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	r.RemoteAddr, r.Host = "192.0.2.7:123", "push.example:8000"
	if a := h.do(r); a.body != "[192.0.2.7] [push.example:8000] [http]" {
		t.Errorf("got %s", a.body)
	}
}

// F26: what is configured for an outpost comes before what the upstream says; for other tokens it is the upstream's.
func TestUpstream_DocumentsComeFirst(t *testing.T) {
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"from":"authentik"}`)
	}))
	defer authentik.Close()
	h := newTestAPI(t, Config{})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/proxy": []byte(`{"from":"us"}`)}}
	h.upstreamAt(authentik.URL)
	for _, c := range []struct{ method, path, authorization, want string }{
		{"GET", "/api/v3/outposts/proxy/", "Bearer outpost", "us"},
		{"GET", "/api/v3/outposts/proxy/", "Bearer another", "authentik"},
		{"POST", "/api/v3/outposts/proxy/", "Bearer outpost", "authentik"},
		{"OPTIONS", "/api/v3/outposts/proxy/", "", "authentik"},
		{"GET", "/api/v3/outposts/instances/", "Bearer outpost", "authentik"},
		{"GET", "/api/v3/root/config/", "", "authentik"},
	} {
		if a := h.do(shows(c.method, c.path, c.authorization)); a.body != `{"from":"`+c.want+`"}` {
			t.Errorf("%s %s with %q: %d %s", c.method, c.path, c.authorization, a.status, a.body)
		}
	}
	h.Upstream(nil)
	h.do(shows("GET", "/api/v3/outposts/proxy/", "Bearer another")).refuses(protocol.Forbidden)
}

// F26: an upstream that cannot be reached, breaks off, answers with a socket or leads back here is 502, in words, with
// one line in the log.
func TestUpstream_ThatFailsIs502(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds in real time")
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v3/upgrade/" {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		panic(http.ErrAbortHandler)
	}))
	defer broken.Close()
	h := newTestAPI(t, Config{})
	loop := shows("GET", "/api/v3/root/config/", "Bearer outpost")
	loop.Header.Set("Via", "1.0 proxy, 1.1 parley")
	upgrade := shows("GET", "/api/v3/upgrade/", "Bearer outpost")
	upgrade.Header["Connection"], upgrade.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	for base, r := range map[string]*http.Request{
		"http://127.0.0.1:0": shows("GET", "/api/v3/root/config/", "Bearer outpost"),
		broken.URL:           shows("POST", "/api/v3/root/config/", "Bearer outpost"),
		broken.URL + "/":     upgrade,
		broken.URL + "//":    loop,
	} {
		h.upstreamAt(base)
		if a := h.do(r); a.status != http.StatusBadGateway ||
			!strings.Contains(a.body, `{"error":{"code":"upstream_failed","message":"authentik did not answer`) {
			t.Errorf("%s %s: %d %s", r.Method, base, a.status, a.body)
		}
	}
	if n := strings.Count(h.log.String(), "authentik.upstream does not answer"); n != 1 ||
		strings.Contains(h.log.String(), "Bearer") {
		t.Errorf("%d lines: %s", n, h.log)
	}
}

// F26: a body that is larger than a request's may be is not sent, and an answer without an end is cut.
func TestUpstream_BodiesAreBounded(t *testing.T) {
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Method == "GET" {
			w.Header().Set("Content-Length", "99999999999")
		}
		io.WriteString(w, "{}")
	}))
	defer authentik.Close()
	h := newTestAPI(t, Config{MaxBody: 100})
	h.upstreamAt(authentik.URL)
	r := shows("POST", "/api/v3/flows/", "Bearer outpost")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 101))), -1
	h.do(r).refuses(protocol.TooLarge)
	if a := h.do(shows("GET", "/api/v3/flows/", "Bearer outpost")); a.status != http.StatusBadGateway {
		t.Errorf("a huge answer is %d", a.status)
	}
	endless := &limitedBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 50))), left: 40}
	if n, err := io.Copy(io.Discard, endless); err == nil || n > 40 {
		t.Errorf("%d bytes came, %v", n, err)
	}
}
