package console

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/notify"
)

const (
	adminKey  = "the-key-of-operators"
	viewerKey = "the-key-of-viewers"
)

// fakeNode has two connections, and counts how often somebody looked at them.
type fakeNode struct{ looks, totals int }

func (n *fakeNode) Totals() actors.Metrics {
	n.totals++
	return actors.Metrics{
		Backlog: 512, Latency: outbox.Histogram{Bounds: []float64{0.001}, Counts: []uint64{uint64(n.totals), 0}},
		Sums: stats.Sums{
			Published: uint64(10 * n.totals), Delivered: uint64(20 * n.totals),
			Drops: map[protocol.Reason]uint64{protocol.Slow: 3},
		},
	}
}

func (n *fakeNode) Metrics() actors.Metrics {
	n.looks++
	m := n.Totals()
	m.Tenants = map[string]stats.Tenant{"acme": {
		Connections: stats.Connections{ActiveConnections: 2, MessagesReceived: 7},
		Dialects:    map[string]stats.Connections{"notify": {ActiveConnections: 2}},
	}}
	return m
}

func (n *fakeNode) Health() actors.Health      { return actors.Health{} }
func (n *fakeNode) Draining() bool             { return false }
func (n *fakeNode) Tenants() []string          { return []string{"acme"} }
func (n *fakeNode) OpenConnections(string) int { return 2 }

// testConsole is a console with a fake node, and the calls that came through it.
type testConsole struct {
	http.Handler
	console *Console
	node    *fakeNode
	calls   *[]string
	log     *strings.Builder
	t       *testing.T
}

func newTestConsole(t *testing.T, change func(*Config)) *testConsole {
	t.Helper()
	log, calls, node := new(strings.Builder), new([]string), &fakeNode{}
	takes := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			*calls = append(*calls, name+" "+r.Method+" "+r.URL.EscapedPath()+" "+r.URL.RawQuery)
			w.WriteHeader(http.StatusAccepted)
		})
	}
	cfg := Config{
		AdminKey: adminKey, ViewerKey: viewerKey, Version: "v9", Node: node, Calls: takes("call"),
		Admin: takes("admin"), Sockets: func() int { return 2 }, MaxSockets: 90, Descriptors: 100,
		Ready:    func(context.Context) (time.Duration, error) { return time.Millisecond, nil },
		Dialects: func() []protocol.Dialect { return []protocol.Dialect{notify.New(notify.DefaultConfig())} },
		Rule: func(tenant, topic string) (policy.Rule, bool) {
			return policy.Rule{Pattern: topic + "*", Store: policy.Durable, HistoryAge: time.Minute}, tenant == "acme"
		},
		Settings: func() []Setting { return []Setting{{Key: "listen", Value: ":1", Origin: "parley.yaml:1"}} },
		Backends: func() []Backend { return nil },
		Logger:   slog.New(slog.NewTextHandler(log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	c := New(cfg)
	rest := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	return &testConsole{c.Handler(rest), c, node, calls, log, t}
}

// does makes a request with a cookie, and headers in pairs.
func (h *testConsole) does(method, target, body, cookie string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// login returns the cookie that a key is worth.
func (h *testConsole) login(key string) string {
	h.t.Helper()
	w := h.does("POST", "/console/api/session", `{"key":"`+key+`"}`, "")
	if w.Code != http.StatusNoContent {
		h.t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/console/" {
		h.t.Errorf("the cookie is %+v", cookie)
	}
	return cookie.Value
}

func TestConsole_AKeyOpensWhatItsRoleMayDo(t *testing.T) {
	h := newTestConsole(t, nil)
	operators, viewers := h.login(adminKey), h.login(viewerKey)
	for _, c := range []struct {
		method, target, cookie string
		status                 int
	}{
		{"GET", "/console/api/snapshot", "", 401},
		{"GET", "/console/api/t/acme/v1/connections", "", 401},
		{"GET", "/console/api/admin/tenants", "nonsense", 401},
		{"GET", "/console/api/snapshot", viewers, 200},
		{"GET", "/console/api/t/acme/v1/connections?limit=5", viewers, 202},
		{"POST", "/console/api/t/acme/v1/explain", viewers, 202},
		{"GET", "/console/api/t/acme/v1/connections/ws-1/tap", viewers, 403},
		{"DELETE", "/console/api/t/acme/v1/connections/ws-1", viewers, 403},
		{"POST", "/console/api/t/acme/v1/publish", viewers, 403},
		{"POST", "/console/api/admin/tenants/acme/suspend", viewers, 403},
		{"DELETE", "/console/api/t/acme/v1/connections/ws-1", operators, 202},
		{"GET", "/console/api/t/acme/v1/topics/a%2Fb/history", operators, 202},
		{"POST", "/console/api/admin/tenants/acme/suspend", operators, 202},
		{"GET", "/console/api/nonsense", operators, 404},
	} {
		if w := h.does(c.method, c.target, "", c.cookie); w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.target, w.Code, w.Body, c.status)
		}
	}
	want := "call GET /api/v1/connections limit=5|call POST /api/v1/explain |call DELETE /api/v1/connections/ws-1 |" +
		"call GET /api/v1/topics/a%2Fb/history |admin POST /api/v1/admin/tenants/acme/suspend "
	if got := strings.Join(*h.calls, "|"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestConsole_EachActionIsOneLineInTheLog(t *testing.T) {
	h := newTestConsole(t, nil)
	cookie := h.login(adminKey)
	before := strings.Count(h.log.String(), "\n")
	h.does("GET", "/console/api/t/acme/v1/connections", "", cookie)
	h.does("DELETE", "/console/api/t/acme/v1/connections/ws-1?x=hidden", `{"reason":"hidden"}`, cookie)
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")[before:]
	if len(lines) != 1 || strings.Contains(lines[0], "hidden") {
		t.Fatalf("the log has %q", lines)
	}
	for _, part := range []string{"role=operator", "session=1", "from=192.0.2.1:1234", "tenant=acme", "method=DELETE",
		"path=/api/v1/connections/ws-1", "status=202"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("%s is not in %s", part, lines[0])
		}
	}
	if strings.Contains(h.log.String(), adminKey) || strings.Contains(h.log.String(), cookie) {
		t.Error("a secret is in the log")
	}
}

func TestConsole_AnotherSiteChangesNothing(t *testing.T) {
	h := newTestConsole(t, nil)
	cookie := h.login(adminKey)
	for _, site := range []string{"cross-site", "same-site"} {
		w := h.does("POST", "/console/api/t/acme/v1/publish", "{}", cookie, "Sec-Fetch-Site", site)
		if w.Code != http.StatusForbidden || len(*h.calls) > 0 {
			t.Errorf("%s: %d %v", site, w.Code, *h.calls)
		}
	}
	w := h.does("POST", "/console/api/t/acme/v1/publish", "{}", cookie, "Sec-Fetch-Site", "same-origin")
	if w.Code != http.StatusAccepted {
		t.Errorf("its own page: %d", w.Code)
	}
}

func TestConsole_WrongKeysAreRefusedAndSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestConsole(t, nil)
		try := func(key string) int { return h.does("POST", "/console/api/session", `{"key":"`+key+`"}`, "").Code }
		for range 10 {
			if got := try("wrong"); got != 401 {
				t.Fatalf("a wrong key: %d", got)
			}
		}
		if got := try(adminKey); got != 429 {
			t.Errorf("after ten wrong ones: %d", got)
		}
		time.Sleep(time.Second)
		if got := try(adminKey); got != 204 {
			t.Errorf("a second later: %d", got)
		}
		if got := try(strings.Repeat("x", maxLogin)); got != 400 {
			t.Errorf("a long one: %d", got)
		}
	})
}

func TestConsole_AnEmptyKeyOpensNothing(t *testing.T) {
	h := newTestConsole(t, func(c *Config) { c.AdminKey, c.ViewerKey = "", "" })
	if w := h.does("POST", "/console/api/session", `{"key":""}`, ""); w.Code != 401 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := h.does("GET", "/console/api/session", "", ""); !strings.Contains(w.Body.String(), `"keys":false`) {
		t.Errorf("%s", w.Body)
	}
}

func TestConsole_SessionsEndByTimeByLogoutAndByNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestConsole(t, nil)
		looks := func(cookie string) int { return h.does("GET", "/console/api/snapshot", "", cookie).Code }
		first := h.login(adminKey)
		h.does("DELETE", "/console/api/session", "", first)
		second := h.login(adminKey)
		if looks(first) != 401 || looks(second) != 200 {
			t.Errorf("after a logout %d, another session %d", looks(first), looks(second))
		}
		for range maxSessions {
			h.login(viewerKey)
		}
		if looks(second) != 401 || len(h.console.gate.sessions.open) != maxSessions {
			t.Errorf("the oldest of too many: %d; there are %d", looks(second), len(h.console.gate.sessions.open))
		}
		last := h.login(viewerKey)
		time.Sleep(sessionTime + time.Second)
		if looks(last) != 401 {
			t.Error("a session has no end")
		}
	})
}

// In dev mode a page of another name that resolves to loopback (DNS rebinding) is a stranger.
func TestConsole_DevModeLetsInByNamesOfLoopbackAlone(t *testing.T) {
	h := newTestConsole(t, func(c *Config) {
		c.Dev = true
		c.Token = func(user string) (string, error) { return "token-of-" + user, nil }
	})
	for host, status := range map[string]int{"localhost:8000": 200, "127.0.0.1": 200, "[::1]:8000": 200,
		"evil.example": 401, "localhost.evil.example:8000": 401, "8.8.8.8": 401} {
		r := httptest.NewRequest("GET", "/console/api/token?user=alice", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status || status == 200 && !strings.Contains(w.Body.String(), "token-of-alice") {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	if w := h.does("GET", "/", "", ""); !strings.Contains(w.Body.String(), "<title>Parley") {
		t.Errorf("/ is %d %s", w.Code, w.Body)
	}
	plain := newTestConsole(t, nil)
	if w := plain.does("GET", "/", "", ""); w.Code != http.StatusTeapot {
		t.Errorf("outside of dev mode / is %d", w.Code)
	}
	if w := plain.does("GET", "/console/api/token?user=alice", "", plain.login(adminKey)); w.Code != 404 {
		t.Errorf("outside of dev mode a token is %d %s", w.Code, w.Body)
	}
}

func TestConsole_PagesLoadNothingFromElsewhere(t *testing.T) {
	h := newTestConsole(t, nil)
	for target, kind := range map[string]string{"/console/": "text/html", "/console/connections/ws-1@a.b": "text/html",
		"/console/assets/index.js": "text/javascript", "/console/assets/index.css": "text/css",
		"/console/icon.svg": "image/svg+xml"} {
		w := h.does("GET", target, "", "", "Accept-Encoding", "gzip")
		header := w.Result().Header
		if w.Code != 200 || !strings.HasPrefix(header.Get("Content-Type"), kind) ||
			header.Get("Content-Encoding") != "gzip" ||
			!strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'self';") {
			t.Errorf("%s: %d %v", target, w.Code, header)
		}
		if w := h.does("GET", target, "", "", "If-None-Match", header.Get("Etag")); w.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", target, w.Code)
		}
	}
	page := h.does("GET", "/console/", "", "").Body.String()
	for _, inline := range []string{"<style", "style=", "onload=", "javascript:", "http:", "https:"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %s", inline)
		}
	}
	if w := h.does("GET", "/console/assets/nonsense.js", "", ""); w.Code != 404 {
		t.Errorf("a file that is not there: %d", w.Code)
	}
	if w := h.does("GET", "/console", "", ""); w.Code != http.StatusPermanentRedirect {
		t.Errorf("/console: %d", w.Code)
	}
	if w := h.does("GET", "/metrics", "", ""); w.Code != http.StatusTeapot {
		t.Errorf("what is not the console's: %d", w.Code)
	}
}

// The pages stay small: a hundred kilobytes, as they are sent.
func TestConsole_PagesKeepTheirBudget(t *testing.T) {
	sum := 0
	for name, file := range newAssets() {
		if len(file.gzipped) == 0 || file.kind == "" {
			t.Errorf("%s is %d bytes of %q", name, len(file.gzipped), file.kind)
		}
		sum += len(file.gzipped)
	}
	if sum < 1000 || sum > 100<<10 {
		t.Errorf("%d bytes", sum)
	}
}

func TestConsole_BrowsersShareASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestConsole(t, nil)
		cookie := h.login(viewerKey)
		for range 50 {
			h.does("GET", "/console/api/snapshot", "", cookie)
		}
		if h.node.looks != 1 {
			t.Errorf("%d looks at the node for 50 browsers", h.node.looks)
		}
		time.Sleep(time.Second)
		w := h.does("GET", "/console/api/snapshot", "", cookie)
		var got snapshot
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || h.node.looks != 2 {
			t.Fatalf("%v, %d looks", err, h.node.looks)
		}
		if got.Connections != 2 || got.Received != 7 || got.Dialects["notify"] != 2 || got.Drops[protocol.Slow] != 3 ||
			!got.Ready.OK || got.Sockets != (sockets{2, 90, 100}) || got.Peak != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestConsole_SaysWhyTheServerIsNotReady(t *testing.T) {
	for err, want := range map[error]string{
		protocol.Refuse(protocol.Busy, "the canary is not back"): "the canary is not back",
		errors.New("a detail of the server's"):                   "internal error",
	} {
		h := newTestConsole(t, func(c *Config) {
			c.Ready = func(context.Context) (time.Duration, error) { return 0, err }
		})
		w := h.does("GET", "/console/api/snapshot", "", h.login(viewerKey))
		if !strings.Contains(w.Body.String(), `"ready":{"ok":false,"canary":0,"error":"`+want) {
			t.Errorf("%s", w.Body)
		}
	}
}

func TestConsole_KeepsAHistoryWhenNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestConsole(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go h.console.Record(ctx)
		time.Sleep(10*time.Second + time.Millisecond)
		cancel()
		synctest.Wait()
		if h.node.looks != 0 {
			t.Errorf("it looked at connections %d times", h.node.looks)
		}
		cookie := h.login(viewerKey)
		var got struct {
			Times  []int64
			Values map[string][]float64
		}
		w := h.does("GET", "/console/api/history?range=seconds", "", cookie)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Times) != 10 || got.Values["delivered"][9] != 20 || got.Values["connections"][0] != 2 ||
			got.Values["queued"][0] != 512 || got.Values["p99"][0] != 0.99 {
			t.Errorf("%+v", got)
		}
		if w := h.does("GET", "/console/api/history?range=days", "", cookie); w.Code != 400 {
			t.Errorf("another range: %d", w.Code)
		}
	})
}

func TestConsole_ShowsAnEventInTheWordsOfEachDialect(t *testing.T) {
	h := newTestConsole(t, nil)
	cookie := h.login(viewerKey)
	w := h.does("POST", "/console/api/words", `{"kind":"message","data":{"level":"info","message":"hi"}}`, cookie)
	if want := `{"renderings":[{"dialect":"notify","text":` +
		`"{\"message\":\"hi\",\"level\":\"info\",\"title\":\"\"}"}],"topic":""}`; w.Body.String() != want {
		t.Errorf("%s", w.Body)
	}
	w = h.does("POST", "/console/api/words",
		`{"kind":"project_updated","data":{"project_name":"p","trigger":"t"}}`, cookie)
	if want := `{"renderings":[{"dialect":"notify","text":null}],"topic":"projects/p"}`; w.Body.String() != want {
		t.Errorf("%s", w.Body)
	}
	for _, body := range []string{"", "{}", `{"kind":"message","data":{}}`,
		`{"kind":"json","data":"` + strings.Repeat("x", maxEvent) + `"}`} {
		if w := h.does("POST", "/console/api/words", body, cookie); w.Code != 400 {
			t.Errorf("%.40s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestConsole_SaysWhatIsSetAndWhatRuleHolds(t *testing.T) {
	h := newTestConsole(t, nil)
	cookie := h.login(viewerKey)
	for target, want := range map[string]string{
		"settings": `{"settings":[{"key":"listen","value":":1","default":"","unit":"","help":"",` +
			`"origin":"parley.yaml:1"}]}`,
		"backends": `{"backends":[]}`,
		"rule?tenant=acme&topic=a/b": `{"pattern":"a/b*","store":"durable","sync":"","slow":"","history_count":0,` +
			`"history_bytes":0,"history_age":"1m0s","batch_window":"0s"}`,
		"rule?tenant=other&topic=a": `{"error":{"code":"not_found","message":"no such tenant"}}`,
	} {
		if w := h.does("GET", "/console/api/"+target, "", cookie); w.Body.String() != want {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
	if w := h.does("GET", "/console/api/rule?tenant=acme&topic=", "", cookie); w.Code != 400 {
		t.Errorf("no topic: %d", w.Code)
	}
}
