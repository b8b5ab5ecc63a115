package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// testAPI is an API with its fake node and its log.
type testAPI struct {
	*API
	node   *fakeNode
	tokens *fakeTokens
	log    *strings.Builder
	t      testing.TB
}

func newTestAPI(t testing.TB, cfg Config) *testAPI {
	log := new(strings.Builder)
	cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	node, tokens := newFakeNode(), &fakeTokens{}
	cfg.Tickets, cfg.Outposts, cfg.Explainer = tokens, tokens, node
	if cfg.Backup == nil {
		cfg.Backup = node.backup
	}
	cfg.Tenant = func(r *http.Request) string {
		if r.Host == "nobody.example" {
			return ""
		}
		return "acme"
	}
	return &testAPI{API: New(cfg, node, fakeKeys{"k1": "acme", "k2": "other"}), node: node, tokens: tokens, log: log,
		t: t}
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   string
	t      testing.TB
}

// request makes a request with the key k1.
func request(method, target, body string) *http.Request {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, content)
	r.Header.Set("Authorization", "Bearer k1")
	return r
}

func (h *testAPI) do(r *http.Request) response {
	w := httptest.NewRecorder()
	if strings.HasPrefix(r.URL.Path+"/", "/api/") && !strings.HasPrefix(r.URL.Path, "/api/v1/admin/") &&
		!strings.HasSuffix(r.URL.Path, "/tap") {
		h.Public().ServeHTTP(w, r)
	} else {
		h.Internal().ServeHTTP(w, r)
	}
	return response{status: w.Code, header: w.Header(), body: h.withoutRequestID(w), t: h.t}
}

// withoutRequestID is the body of a response without the random id of a refused request, which is checked here.
func (h *testAPI) withoutRequestID(w *httptest.ResponseRecorder) string {
	body, id := w.Body.String(), w.Header().Get("X-Request-Id")
	if id == "" {
		return body
	}
	member := `,"request_id":"` + id + `"`
	if !strings.Contains(body, member) {
		h.t.Errorf("%s does not name the request %s", body, id)
	}
	return strings.Replace(body, member, "", 1)
}

func (h *testAPI) call(method, target, body string) response {
	return h.do(request(method, target, body))
}

// is fails the test unless the response has this status and JSON.
func (a response) is(status int, want string) {
	a.t.Helper()
	if a.status != status || a.body != want {
		a.t.Errorf("answer is\n%d %s\nwant\n%d %s", a.status, a.body, status, want)
	}
}

// refuses fails the test unless the response is an error with this code, its status, and a message that contains each
// text.
func (a response) refuses(code protocol.Reason, texts ...string) {
	a.t.Helper()
	var got struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		a.t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	if a.status != code.Status() || got.Error.Code != string(code) || got.Error.Message == "" {
		a.t.Errorf("answer is %d %s, want %d %s", a.status, a.body, code.Status(), code)
	}
	for _, text := range texts {
		if !strings.Contains(got.Error.Message, text) {
			a.t.Errorf("message %q does not contain %q", got.Error.Message, text)
		}
	}
	if a.header.Get("Content-Type") != "application/json" {
		a.t.Errorf("content type %q", a.header.Get("Content-Type"))
	}
}
