package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

func loadDocument(t *testing.T) *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// operations are the document's, by "METHOD /path".
func operations(t *testing.T, doc *openapi3.T) map[string]*openapi3.Operation {
	all := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	if len(all) == 0 {
		t.Fatal("the document has no operations")
	}
	return all
}

// Its examples are held against its schemas, too.
func TestDocument_IsValid(t *testing.T) {
	if err := loadDocument(t).Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

// eventStream is in the document and no route of the API: package sse serves it, and its answer does not end.
const eventStream = "GET /api/v1/events"

func TestDocument_HasEveryRouteAndNoOther(t *testing.T) {
	documented := operations(t, loadDocument(t))
	if documented[eventStream] == nil {
		t.Errorf("%s is not in the document", eventStream)
	}
	delete(documented, eventStream)
	for _, r := range slices.Concat(publicRoutes, internalRoutes) {
		op := documented[r.pattern()]
		if op == nil {
			t.Errorf("%s is not in the document", r.pattern())
			continue
		}
		if got := schemeOf(op); got != schemes[r.principal] {
			t.Errorf("%s is for those with %q in the document, for %q in the code", r.pattern(), got,
				schemes[r.principal])
		}
		delete(documented, r.pattern())
	}
	for pattern := range documented {
		t.Errorf("%s is in the document only", pattern)
	}
}

// schemes are the document's names of what a caller shows.
var schemes = map[principal]string{backend: "", anyone: "nothing", user: "user", outpost: "outpost",
	operator: "operator", admin: "operator"}

// schemeOf is the scheme of an operation, "" for the document's default.
func schemeOf(op *openapi3.Operation) string {
	if op.Security == nil {
		return ""
	}
	for _, one := range *op.Security {
		for name := range one {
			return name
		}
	}
	return "nothing"
}

func TestDocument_NamesTheLimitsAndMembersOfTheCode(t *testing.T) {
	schemas := loadDocument(t).Components.Schemas
	for name, members := range map[string][]string{"Publish": publishMembers, "Event": eventMembers,
		"Farewell": {"code", "reason"}} {
		got := slices.Sorted(maps.Keys(schemas[name].Value.Properties))
		if want := slices.Sorted(slices.Values(members)); !slices.Equal(got, want) {
			t.Errorf("%s has %v, the code %v", name, got, want)
		}
	}
	var kinds []protocol.Kind
	for _, kind := range schemas["Event"].Value.Properties["kind"].Value.Enum {
		kinds = append(kinds, protocol.Kind(fmt.Sprint(kind)))
	}
	if !slices.Equal(kinds, protocol.Kinds()) {
		t.Errorf("kinds are %v, the code has %v", kinds, protocol.Kinds())
	}
}

// newDocumentedAPI has the users, topics and connections of the document's examples.
func newDocumentedAPI(t *testing.T) *testAPI {
	h := newTestAPI(t, Config{AdminKey: "k1", Faults: true})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/radius": []byte(`[{"pk":7,"name":"radius"}]`)}}
	h.node.connect("c-1", "42", "projects")
	for range 7 {
		h.call("POST", publishPath, `{"event":{"kind":"project_updated","data":{"project_name":"apollo",`+
			`"trigger":"audit"}}}`)
	}
	h.node.recorder.Refused(recorder.Entry{Tenant: "acme", Remote: "192.0.2.7", RequestID: "k3v9x0q2m1za", Closed: noon,
		Dialect: "dashboard", Origin: "https://app.example.com", Status: 403,
		Close: recorder.Close{Reason: protocol.TokenExpired}})
	h.node.members = []presence.Member{{Topic: "outposts/" + oneOutpost, Name: "i-1", Since: noon, Seen: noon,
		Until: time.Now().Add(time.Hour), Connection: "c-1",
		Data: []byte(`{"uuid":"i-1","version":"2024.10.4","buildHash":"tagged","hostname":"vm"}`)}}
	return h
}

// requests makes a request for each example of an operation.
func requests(t *testing.T, pattern string, op *openapi3.Operation) (all []*http.Request) {
	method, path, _ := strings.Cut(pattern, " ")
	query := url.Values{}
	for _, p := range op.Parameters {
		example := fmt.Sprint(p.Value.Example)
		if p.Value.Example == nil {
			t.Fatalf("%s: parameter %s has no example", pattern, p.Value.Name)
		}
		if p.Value.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(example))
		} else {
			query.Set(p.Value.Name, example)
		}
	}
	target := path + "?" + query.Encode()
	defer func() {
		for _, r := range all {
			switch schemeOf(op) {
			case "user":
				r.Header.Set("Authorization", "Bearer alice")
			case "outpost":
				r.Header.Set("Authorization", "Bearer outpost")
			}
		}
	}()
	if op.RequestBody == nil {
		return []*http.Request{request(method, strings.TrimSuffix(target, "?"), "")}
	}
	content := op.RequestBody.Value.Content["application/json"]
	examples := []any{content.Example}
	if content.Example == nil {
		examples = nil
		for _, e := range content.Examples {
			examples = append(examples, e.Value.Value)
		}
	}
	for _, example := range examples {
		body, err := json.Marshal(example)
		if err != nil || example == nil {
			t.Fatalf("%s: example %v: %v", pattern, example, err)
		}
		all = append(all, request(method, strings.TrimSuffix(target, "?"), string(body)))
	}
	if !op.RequestBody.Value.Required {
		all = append(all, request(method, strings.TrimSuffix(target, "?"), ""))
	}
	return all
}

// fits fails the test unless the answer is one that the document promises for its status.
func fits(t *testing.T, pattern string, op *openapi3.Operation, a response) {
	t.Helper()
	promised := op.Responses.Value(strconv.Itoa(a.status))
	if promised == nil {
		t.Errorf("%s: %d is not in the document: %s", pattern, a.status, a.body)
		return
	}
	for name, header := range promised.Value.Headers {
		if header.Value.Required && a.header.Get(name) == "" {
			t.Errorf("%s: %d has no %s", pattern, a.status, name)
		}
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content := promised.Value.Content[kind]
	if content == nil {
		t.Errorf("%s: %d has content type %q", pattern, a.status, kind)
		return
	}
	if kind != "application/json" {
		return
	}
	var value any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		t.Errorf("%s: %v in %s", pattern, err, a.body)
		return
	}
	if err := content.Schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %s\ndoes not fit: %v", pattern, a.body, err)
	}
}

func TestDocument_ExamplesAreAnsweredAsItSays(t *testing.T) {
	synctest.Test(t, examplesAreAnswered) // some answers last for minutes
}

func examplesAreAnswered(t *testing.T) {
	for pattern, op := range operations(t, loadDocument(t)) {
		if pattern == eventStream {
			continue
		}
		for _, r := range requests(t, pattern, op) {
			a := newDocumentedAPI(t).do(r)
			if a.status != 200 && a.status != 201 {
				t.Errorf("%s %s: %d %s", pattern, r.URL, a.status, a.body)
			}
			fits(t, pattern, op, a)
		}
	}
}

// trouble is a way to get an error from every operation that documents its status.
var trouble = map[int]func(*testAPI, *http.Request) *http.Request{
	400: func(h *testAPI, r *http.Request) *http.Request {
		if r.Method == "POST" || r.Method == "PUT" || r.Method == "DELETE" {
			made := withBody(r, `{"event":`)
			made.URL.RawQuery = "nonsense=1" // for those that read no body
			return made
		}
		r.URL.RawQuery = "nonsense=1"
		return r
	},
	401: func(h *testAPI, r *http.Request) *http.Request { r.Header.Del("Authorization"); return r },
	403: failing(protocol.Forbidden),
	404: failing(protocol.NotFound),
	409: failing(protocol.PositionLost),
	413: func(h *testAPI, r *http.Request) *http.Request { return withBody(r, strings.Repeat(" ", 9<<20)) },
	429: failing(protocol.TooMany),
	500: func(h *testAPI, r *http.Request) *http.Request { h.node.panics = true; return r },
	502: func(h *testAPI, r *http.Request) *http.Request {
		h.Upstream(&url.URL{Scheme: "http", Host: "127.0.0.1:0"})
		r.URL.Path = "/api/v3/core/brands/current/"
		return r
	},
	503: failing(protocol.Busy),
}

func failing(refusal protocol.Reason) func(*testAPI, *http.Request) *http.Request {
	return func(h *testAPI, r *http.Request) *http.Request {
		h.node.fail = &protocol.Refusal{Reason: refusal}
		h.tokens.fail = h.node.fail
		return r
	}
}

func withBody(r *http.Request, body string) *http.Request {
	made := request(r.Method, r.URL.RequestURI(), body)
	made.Header = r.Header
	return made
}

func TestDocument_ErrorsAreAnsweredAsItSays(t *testing.T) {
	// These do not ask the fake node, or cannot fail; another test gets 408 from a server with a slow client.
	exempt := map[string][]int{"GET /api/v1/stats": {429, 500, 503}, "GET /healthz": {500}, "GET /readyz": {500},
		"GET /metrics": {500}, "GET /openapi.json": {500}, "GET /debug/pprof/{profile}": {403, 404, 500, 503},
		"GET /api/v1/faults":   {403, 429, 503},
		"GET /api/v1/refusals": {429, 500, 503}, "GET /api/v1/admin/refusals": {403, 429, 500, 503},
		"POST /api/v1/batch": {429, 500, 503}, "GET /api/v1/admin/tenants": {403}, "POST /api/v1/ws/ticket": {500},
		"GET /api/v3/outposts/instances/": {500}, "GET /api/v3/root/config/": {500}, "GET /api/v3/{path}": {400, 500},
		"POST /api/v1/users/{user}/disconnect": {404}}
	for pattern, op := range operations(t, loadDocument(t)) {
		if pattern == eventStream {
			continue
		}
		for code := range op.Responses.Map() {
			status, _ := strconv.Atoi(code)
			if status == 200 || status == 201 || status == 408 || slices.Contains(exempt[pattern], status) {
				continue
			}
			if trouble[status] == nil {
				t.Errorf("%s: no way to get %d", pattern, status)
				continue
			}
			h := newDocumentedAPI(t)
			a := h.do(trouble[status](h, requests(t, pattern, op)[0]))
			if a.status != status {
				t.Errorf("%s: %d %s, want %d", pattern, a.status, a.body, status)
			}
			fits(t, pattern, op, a)
		}
	}
}

func TestDocument_IsServed(t *testing.T) {
	a := newTestAPI(t, Config{}).call("GET", "/openapi.json", "")
	a.is(200, string(document))
}
