package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// outpostClient asks as an authentik outpost does, in its order.
type outpostClient struct {
	t       *testing.T
	base    string
	release string
}

func (c *outpostClient) get(path string) (status int, document map[string]json.RawMessage) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer outpost")
	r.Header.Set("User-Agent", "goauthentik.io/outpost/"+c.release)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		c.t.Fatalf("%s: %d %v", path, answer.StatusCode, err)
	}
	return answer.StatusCode, document
}

// starts does all that comes before the socket, and returns the names of the providers.
func (c *outpostClient) starts(kind string) (uuid string, providers []string) {
	c.t.Helper()
	for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/root/config/"} {
		status, document := c.get(path)
		if status != http.StatusOK {
			c.t.Fatalf("%s: %d", path, status)
		}
		var first []struct{ PK string }
		if json.Unmarshal(document["results"], &first); len(first) > 0 {
			uuid = first[0].PK
		}
	}
	for page := 1; page != 0; {
		status, document := c.get(fmt.Sprintf("/api/v3/outposts/%s/?page=%d&page_size=2", kind, page))
		var results []struct{ Name string }
		var pagination struct{ Next, Count int }
		if status != http.StatusOK || json.Unmarshal(document["results"], &results) != nil || json.Unmarshal(document["pagination"], &pagination) != nil {
			c.t.Fatalf("page %d: %d %s", page, status, document)
		}
		for _, provider := range results {
			providers = append(providers, provider.Name)
		}
		if page = pagination.Next; page == 0 && pagination.Count != len(providers) {
			c.t.Errorf("%d providers came, of %d", len(providers), pagination.Count)
		}
	}
	return uuid, providers
}

func (h *house) served() *httptest.Server {
	server := httptest.NewServer(h.Public())
	h.t.(*testing.T).Cleanup(server.Close)
	return server
}

// F26: an outpost starts from the documents that are configured for it alone, whatever its kind and however long its list.
func TestOutposts_StartFromConfiguredDocuments(t *testing.T) {
	for _, kind := range []string{"proxy", "ldap", "radius"} {
		h := newHouse(t, Config{})
		h.tokens.documents = map[string]Documents{oneOutpost: {
			"outposts/" + kind: []byte(`[{"name":"a"}, {"name":"b"} ,{"name":"c"}]`), "core/brands/current": []byte(`{"flow_invalidation":"bye"}`),
		}}
		c := &outpostClient{t, h.served().URL, "2024.10.5"}
		if uuid, got := c.starts(kind); uuid != oneOutpost || !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%s: outpost %s has %q", kind, uuid, got)
		}
		_, brand := c.get("/api/v3/core/brands/current/")
		if string(brand["flow_invalidation"]) != `"bye"` {
			t.Errorf("the brand is %s", brand)
		}
		_, instances := c.get("/api/v3/outposts/instances/")
		if !strings.Contains(string(instances["results"]), `"type":"`+kind+`"`) {
			t.Errorf("the outpost is %s", instances["results"])
		}
	}
}

// F26: a list is paged as authentik pages it.
func TestDocuments_AListComesInPages(t *testing.T) {
	h := newHouse(t, Config{})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/proxy": []byte(`[1,2,3]`), "outposts/none": []byte(` [ ] `)}}
	const tail = `],"autocomplete":{}}`
	for query, want := range map[string]string{
		"proxy/":                    `{"pagination":{"next":0,"previous":0,"count":3,"current":1,"total_pages":1,"start_index":1,"end_index":3},"results":[1,2,3` + tail,
		"proxy?ordering=name":       `{"pagination":{"next":0,"previous":0,"count":3,"current":1,"total_pages":1,"start_index":1,"end_index":3},"results":[1,2,3` + tail,
		"proxy/?page_size=2":        `{"pagination":{"next":2,"previous":0,"count":3,"current":1,"total_pages":2,"start_index":1,"end_index":2},"results":[1,2` + tail,
		"proxy/?page=2&page_size=2": `{"pagination":{"next":0,"previous":1,"count":3,"current":2,"total_pages":2,"start_index":3,"end_index":3},"results":[3` + tail,
		"none/?page=1&page_size=9":  `{"pagination":{"next":0,"previous":0,"count":0,"current":1,"total_pages":1,"start_index":0,"end_index":0},"results":[` + tail,
	} {
		if a := h.do(shows("GET", "/api/v3/outposts/"+query, "Bearer outpost")); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	h.do(shows("GET", "/api/v3/outposts/proxy/?page=3&page_size=2", "Bearer outpost")).refuses(protocol.NotFound, "Invalid page.")
	for _, query := range []string{"page=0", "page=-1", "page=x", "page_size=0", "page_size=99999999999999999999", "page=%zz"} {
		h.do(shows("GET", "/api/v3/outposts/proxy/?"+query, "Bearer outpost")).refuses(protocol.Malformed)
	}
	h.do(shows("GET", "/api/v3/outposts/proxy/", "Bearer alice")).refuses(protocol.Forbidden)
}

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
	h := newHouse(t, Config{Forwarded: func(*http.Request) (string, string, string) { return "192.0.2.9", "https", "push.example" }})
	h.upstreamAt(authentik.URL + "/auth/")
	c := &outpostClient{t, h.served().URL, "2025.10.4"}
	if uuid, got := c.starts("radius"); uuid != oneOutpost || !slices.Equal(got, []string{"real"}) {
		t.Errorf("outpost %s has %q", uuid, got)
	}
	r := seen.Load()
	if r.Host != strings.TrimPrefix(authentik.URL, "http://") || r.URL.RawQuery != "page=1&page_size=2" {
		t.Errorf("asked for %s %s", r.Host, r.URL)
	}
	for name, want := range map[string]string{"Authorization": "Bearer outpost", "User-Agent": "goauthentik.io/outpost/2025.10.4",
		"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "push.example"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	post := shows("POST", "/api/v3/flows/executor/login/?query=x", "")
	post.Header = http.Header{"Connection": {"Upgrade, X-Hop"}, "Upgrade": {"websocket"}, "X-Hop": {"1"}, "Cookie": {"a=b"}, "X-Forwarded-For": {"6.6.6.6"}}
	post.Body, post.ContentLength = io.NopCloser(strings.NewReader("uid=1")), 5
	if a := h.do(post); a.status != 200 {
		t.Errorf("a POST is %d %s", a.status, a.body)
	}
	r = seen.Load()
	body, _ := io.ReadAll(r.Body)
	if r.Method != "POST" || string(body) != "uid=1" || r.Header.Get("Cookie") != "a=b" || r.Header.Get("X-Hop")+r.Header.Get("Upgrade")+r.Header.Get("Authorization") != "" ||
		r.Header.Get("X-Forwarded-For") != "192.0.2.9" {
		t.Errorf("authentik saw %s %q %v", r.Method, body, r.Header)
	}
	if a := h.do(shows("GET", "/api/v3/moved/", "")); a.status != http.StatusFound || a.header.Get("Location") != "/elsewhere" {
		t.Errorf("a redirect is %d %v", a.status, a.header)
	}
}

func (h *house) upstreamAt(base string) {
	u, err := url.Parse(base)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Upstream(u)
}

// F26: without forwarding headers that can be believed it is the connection that says where a request is from.
func TestUpstream_HearsWhereARequestIsFrom(t *testing.T) {
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Proto"])
	}))
	defer authentik.Close()
	h := newHouse(t, Config{})
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
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"from":"authentik"}`) }))
	defer authentik.Close()
	h := newHouse(t, Config{})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/proxy": []byte(`{"from":"us"}`)}}
	h.upstreamAt(authentik.URL)
	for _, c := range []struct{ method, path, authorization, want string }{
		{"GET", "/api/v3/outposts/proxy/", "Bearer outpost", "us"}, {"GET", "/api/v3/outposts/proxy/", "Bearer another", "authentik"},
		{"POST", "/api/v3/outposts/proxy/", "Bearer outpost", "authentik"}, {"OPTIONS", "/api/v3/outposts/proxy/", "", "authentik"},
		{"GET", "/api/v3/outposts/instances/", "Bearer outpost", "authentik"}, {"GET", "/api/v3/root/config/", "", "authentik"},
	} {
		if a := h.do(shows(c.method, c.path, c.authorization)); a.body != `{"from":"`+c.want+`"}` {
			t.Errorf("%s %s with %q: %d %s", c.method, c.path, c.authorization, a.status, a.body)
		}
	}
	h.Upstream(nil)
	h.do(shows("GET", "/api/v3/outposts/proxy/", "Bearer another")).refuses(protocol.Forbidden)
}

// F26: an upstream that cannot be reached, breaks off, answers with a socket or leads back here is 502, in words, with one line in the log.
func TestUpstream_ThatFailsIs502(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v3/upgrade/" {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		panic(http.ErrAbortHandler)
	}))
	defer broken.Close()
	h := newHouse(t, Config{})
	loop := shows("GET", "/api/v3/root/config/", "Bearer outpost")
	loop.Header.Set("Via", "1.0 proxy, 1.1 parley")
	upgrade := shows("GET", "/api/v3/upgrade/", "Bearer outpost")
	upgrade.Header["Connection"], upgrade.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	for base, r := range map[string]*http.Request{"http://127.0.0.1:0": shows("GET", "/api/v3/root/config/", "Bearer outpost"),
		broken.URL: shows("POST", "/api/v3/root/config/", "Bearer outpost"), broken.URL + "/": upgrade, broken.URL + "//": loop} {
		h.upstreamAt(base)
		if a := h.do(r); a.status != http.StatusBadGateway || !strings.Contains(a.body, `{"error":{"code":"upstream_failed","message":"authentik did not answer`) {
			t.Errorf("%s %s: %d %s", r.Method, base, a.status, a.body)
		}
	}
	if n := strings.Count(h.log.String(), "authentik.upstream does not answer"); n != 1 || strings.Contains(h.log.String(), "Bearer") {
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
	h := newHouse(t, Config{MaxBody: 100})
	h.upstreamAt(authentik.URL)
	r := shows("POST", "/api/v3/flows/", "Bearer outpost")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 101))), -1
	h.do(r).refuses(protocol.TooLarge)
	if a := h.do(shows("GET", "/api/v3/flows/", "Bearer outpost")); a.status != http.StatusBadGateway {
		t.Errorf("a huge answer is %d", a.status)
	}
	endless := &bounded{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 50))), left: 40}
	if n, err := io.Copy(io.Discard, endless); err == nil || n > 40 {
		t.Errorf("%d bytes came, %v", n, err)
	}
}

// loop asks without a pause on a connection of its own, for so long, and counts answers by status.
func (h *house) loop(authorization string, lasting time.Duration) map[int]int {
	client, stop := serve(h.t.(*testing.T), h)
	defer stop()
	read := bufio.NewReader(client)
	answers := map[int]int{}
	for end := time.Now().Add(lasting); time.Now().Before(end); {
		fmt.Fprintf(client, "GET /api/v3/outposts/radius/?page=1&page_size=100 HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", authorization)
		answer, err := http.ReadResponse(read, nil)
		if err != nil {
			h.t.Error(err)
			return answers
		}
		io.Copy(io.Discard, answer.Body)
		if answers[answer.StatusCode]++; answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
			h.t.Error("503 without Retry-After")
		}
	}
	return answers
}

// F26: an outpost that asks again without a pause, which has neither documents nor an upstream, is answered at most twice a second, and
// so is each of several; the log says it once.
func TestOutposts_WithoutProvidersCannotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		var running sync.WaitGroup
		for range 3 {
			running.Go(func() {
				if got := h.loop("Bearer outpost", 14*time.Second); got[503] < 7 || got[503] > 28 || len(got) != 1 {
					t.Errorf("in 14 s it was answered %v", got)
				}
			})
		}
		running.Wait()
		if n := strings.Count(h.log.String(), "set authentik.upstream"); n != 1 {
			t.Errorf("%d lines in the log: %s", n, h.log)
		}
	})
}

// F26: nor can it while its upstream cannot be reached.
func TestOutposts_WithoutTheirUpstreamCannotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		h.upstreamAt("http://authentik.example/")
		h.upstream.Load().proxy.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		if got := h.loop("Bearer outpost", 14*time.Second); got[502] < 7 || got[502] > 28 || len(got) != 1 {
			t.Errorf("in 14 s it was answered %v", got)
		}
	})
}

// F26: what is held is bounded, and one token's cannot take another's place.
func TestHold_IsBoundedForOneAndForAll(t *testing.T) {
	var h holding
	count := func(whose string) (n int) {
		for h.enter(whose) {
			n++
		}
		return n
	}
	if n := count("a"); n != heldOfOne {
		t.Errorf("%d of one are held", n)
	}
	if !h.enter("b") {
		t.Error("another one finds no room")
	}
	h.leave("b")
	for i := range heldOfAll {
		count(fmt.Sprint(i))
	}
	if h.all != heldOfAll || h.enter("new") {
		t.Errorf("%d are held, and one more", h.all)
	}
	for whose, n := range h.by {
		for range n {
			h.leave(whose)
		}
	}
	if h.all != 0 || len(h.by) != 0 {
		t.Errorf("%d are left, %v", h.all, h.by)
	}
}

// F26: one that finds no room is answered at once and loses its connection.
func TestHold_OneTooManyLosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		for h.held.enter("acme/Bearer outpost") {
		}
		before := time.Now()
		a := h.do(shows("GET", "/api/v3/outposts/ldap/", "Bearer outpost"))
		a.refuses(protocol.Busy)
		if a.header.Get("Connection") != "close" || a.header.Get("Retry-After") == "" || !time.Now().Equal(before) {
			t.Errorf("after %s: %v", time.Since(before), a.header)
		}
	})
}

// F27: releases before 2025.10 demand cache_timeout_reputation, those from then on refuse it.
func TestRootConfig_IsThatOfTheRelease(t *testing.T) {
	h := newHouse(t, Config{})
	for agent, want := range map[string]bool{
		"goauthentik.io/outpost/2024.2.0": true, "goauthentik.io/outpost/2024.10.5": true, "goauthentik.io/outpost/2024.12.3": true,
		"goauthentik.io/outpost/2025.8.6": true, "goauthentik.io/outpost/2025.8.0-rc1": true, "goauthentik.io/outpost/2025.9": true,
		"goauthentik.io/outpost/2025.8.4 (provider=a 2026.1)": true, "goauthentik.io/outpost/2025.10.0": false, "goauthentik.io/outpost/2025.10.0-rc1": false,
		"goauthentik.io/outpost/2025.10.4": false, "goauthentik.io/outpost/2025.12.1": false, "goauthentik.io/outpost/2026.2.0": false, "goauthentik.io/outpost/2026.2": false,
		"": false, "curl/8.5.0": false, "goauthentik.io/outpost/": false, "goauthentik.io/outpost/x.y": false, "goauthentik.io/outpost/2025": false,
		"goauthentik.io/outpost/-1.8": false, "goauthentik.io/outpost/2025.99999999999999999999": false,
	} {
		r := shows("GET", "/api/v3/root/config/", "Bearer outpost")
		r.Header.Set("User-Agent", agent)
		a := h.do(r)
		if !json.Valid([]byte(a.body)) || a.status != 200 || strings.Contains(a.body, "cache_timeout_reputation") != want {
			t.Errorf("%q gets %d %s", agent, a.status, a.body)
		}
	}
}

// F27: lists have autocomplete from 2025.8 on, whose clients demand it and whose predecessors refuse it.
func TestLists_AreThoseOfTheRelease(t *testing.T) {
	h := newHouse(t, Config{})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/ldap": []byte(`[1]`)}}
	for release, want := range map[string]bool{"2024.2.0": false, "2025.4.1": false, "2025.6.4": false, "2025.8.0": true, "2025.12.4": true, "2026.2.0": true} {
		for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/outposts/ldap/"} {
			r := shows("GET", path, "Bearer outpost")
			r.Header.Set("User-Agent", "goauthentik.io/outpost/"+release)
			a := h.do(r)
			if !json.Valid([]byte(a.body)) || a.status != 200 || strings.Contains(a.body, "autocomplete") != want || strings.Contains(a.body, `"service_connection_obj":null`) {
				t.Errorf("%s gets %d %s", release, a.status, a.body)
			}
		}
	}
}
