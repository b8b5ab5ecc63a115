package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
)

// shows makes a request with this Authorization header alone, "" for none.
func shows(method, target, authorization string) *http.Request {
	r := request(method, target, "")
	r.Header.Del("Authorization")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

const ticketPath = "/api/v1/ws/ticket"

// R002.24: a user gets a ticket for a token, whatever else web pages send.
func TestTicket_IsMadeForAUsersOwnToken(t *testing.T) {
	h := newTestAPI(t, Config{})
	r := shows("POST", ticketPath, "Bearer alice")
	r.Header.Set("X-CSRF-Token", "x")
	r.Header.Set("X-Client-Type", "web")
	a := h.do(r)
	a.is(201, `{"ticket":"t1cket"}`)
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a ticket may be kept by caches: %q", got)
	}
	h.do(shows("POST", ticketPath, "bearer  alice ")).is(201, `{"ticket":"t1cket"}`)
}

// R002.24: without a valid token the answer is 401, in the original's form and in this server's.
func TestTicket_WithoutAValidTokenIs401InBothForms(t *testing.T) {
	for authorization, detail := range map[string]string{
		"": "Not authenticated", "Bearer": "Not authenticated", "Basic alice": "Not authenticated",
		"alice":          "Not authenticated",
		"Bearer mallory": "invalid token", "Bearer k1": "invalid token",
	} {
		a := newTestAPI(t, Config{}).do(shows("POST", ticketPath, authorization))
		var both struct {
			Detail string
			Error  struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(a.body), &both); err != nil || a.status != 401 || both.Detail != detail ||
			both.Error.Code == "" || both.Error.Message == "" {
			t.Errorf("%.20q: %d %s", authorization, a.status, a.body)
		}
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%.20q: no WWW-Authenticate", authorization)
		}
	}
	// F35: the first of two headers counts, as in Starlette; Django joins an outpost's to one text, which is no token.
	for first, status := range map[string]int{"Bearer alice": 201, "Bearer mallory": 401, "": 401} {
		two := shows("POST", ticketPath, "")
		two.Header["Authorization"] = []string{first, "Bearer alice"}
		if a := newTestAPI(t, Config{}).do(two); a.status != status {
			t.Errorf("%q and another: %d %s", first, a.status, a.body)
		}
	}
	two := shows("GET", "/api/v3/root/config/", "Bearer outpost")
	two.Header.Add("Authorization", "Bearer outpost")
	newTestAPI(t, Config{}).do(two).refuses(protocol.Unauthorized)
}

// F22: a token that is too large is refused as such, and not as a wrong one.
func TestTicket_ATokenThatIsTooLargeIs413(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.do(shows("POST", ticketPath, "Bearer "+strings.Repeat("x", protocol.MaxToken+1))).refuses(protocol.TooLarge,
		"8193 bytes; the limit is 8192")
	h.do(shows("POST", ticketPath, "Bearer "+strings.Repeat("x", protocol.MaxToken))).refuses(protocol.InvalidToken)
}

func TestTicket_IsOfTheTenantThatIsAsked(t *testing.T) {
	h := newTestAPI(t, Config{})
	r := shows("POST", ticketPath, "Bearer alice")
	r.Host = "nobody.example"
	h.do(r).refuses(protocol.NotFound, "no tenant")
	h.tokens.fail = &protocol.Refusal{Reason: protocol.Busy, RetryAfter: 3 * time.Second}
	a := h.do(shows("POST", ticketPath, "Bearer alice"))
	a.refuses(protocol.Busy)
	if a.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

func TestTokens_WithoutACheckerAreNotServed(t *testing.T) {
	a := New(Config{}, newFakeNode(), fakeKeys{})
	for _, path := range []string{"POST " + ticketPath, "GET /api/v3/root/config/", "GET /api/v3/outposts/instances/"} {
		method, target, _ := strings.Cut(path, " ")
		h := &testAPI{API: a, t: t}
		h.do(shows(method, target, "Bearer alice")).refuses(protocol.NotFound)
	}
}

// R003.32: the two documents that an outpost fetches before it dials, with every member that its client demands or
// panics without; with and without the slash, and with the query that it sends.
func TestOutpostDocuments_AreWhatAnOutpostReads(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/outposts/instances",
		"/api/v3/outposts/instances/?page=1&page_size=100"} {
		a := h.do(shows("GET", path, "Bearer outpost"))
		var page struct {
			Pagination map[string]float64
			Results    []map[string]any
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || len(page.Results) != 1 {
			t.Fatalf("%s: %d %s %v", path, a.status, a.body, err)
		}
		for _, member := range []string{"next", "previous", "count", "current", "total_pages", "start_index",
			"end_index"} {
			if _, ok := page.Pagination[member]; !ok {
				t.Errorf("pagination has no %s", member)
			}
		}
		first := page.Results[0]
		for _, member := range []string{"pk", "name", "type", "providers", "providers_obj", "service_connection_obj",
			"refresh_interval_s", "token_identifier", "config"} {
			if _, ok := first[member]; !ok {
				t.Errorf("an outpost has no %s", member)
			}
		}
		if config, _ := first["config"].(map[string]any); first["pk"] != oneOutpost || config["log_level"] != "info" {
			t.Errorf("it is %v", first)
		}
	}
	a := h.do(shows("GET", "/api/v3/root/config/", "Bearer outpost"))
	var config struct {
		Reporting    map[string]any `json:"error_reporting"`
		Capabilities []string
		Timeout      *int `json:"cache_timeout"`
	}
	if err := json.Unmarshal([]byte(a.body), &config); err != nil || a.status != 200 || config.Capabilities == nil ||
		config.Timeout == nil || config.Reporting["enabled"] != false {
		t.Errorf("%d %s %v", a.status, a.body, err)
	}
}

// R003.13, R003.14, of the documents: only the Bearer token of an outpost gets them.
func TestOutpostDocuments_AreForOutpostsAlone(t *testing.T) {
	for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/root/config/"} {
		for authorization, status := range map[string]int{"": 401, "outpost": 401, "Token outpost": 401,
			"Bearer k1": 403, "Bearer alice": 403} {
			a := newTestAPI(t, Config{}).do(shows("GET", path, authorization))
			if a.status != status || !strings.Contains(a.body, `"detail":`) {
				t.Errorf("%s with %q: %d %s", path, authorization, a.status, a.body)
			}
		}
	}
}

// R003.20, R003.23, R003.24, R003.25, R003.28: the API lists the instances of outposts with what they said.
func TestOutposts_ListTheirInstances(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("GET", "/api/v1/outposts", "").is(200, `{"outposts":[]}`)
	h.call("GET", "/api/v1/outposts/"+oneOutpost, "").refuses(protocol.NotFound, oneOutpost)
	alive := func(outpost, member, data string) presence.Member {
		return presence.Member{Topic: "outposts/" + outpost, Name: member, Since: noon,
			Seen: noon.Add(10 * time.Second), Until: time.Now().Add(time.Hour),
			Connection: "ws-7", Data: []byte(data)}
	}
	h.node.members = []presence.Member{
		alive("b", "i-3", `{}`), alive(oneOutpost, "i-2", `{"version":"2024.12.1","buildHash":"","hostname":7}`),
		alive(oneOutpost, "i-1", `{"uuid":"i-1","version":"2024.10.4","buildHash":"tagged","hostname":"vm"}`),
	}
	rest := `"since":"2026-01-31T12:00:00Z","last_seen":"2026-01-31T12:00:10Z","healthy":true,"connection":"ws-7"}`
	one := `{"uuid":"` + oneOutpost + `","instances":[{"uuid":"i-1","version":"2024.10.4","buildHash":"tagged",` +
		`"hostname":"vm",` + rest +
		`,{"uuid":"i-2","version":"2024.12.1","buildHash":"","hostname":"",` + rest + `]}`
	h.call("GET", "/api/v1/outposts/"+oneOutpost, "").is(200, one)
	h.call("GET", "/api/v1/outposts", "").is(200,
		`{"outposts":[`+one+`,{"uuid":"b","instances":[`+
			`{"uuid":"i-3","version":"","buildHash":"","hostname":"",`+rest+`]}]}`)
	// F36, R003.31: instances from 2025 on say more.
	h.node.members = []presence.Member{alive("b", "i-4",
		`{"version":"2025.10.4","buildHash":"tagged","hostname":"vm","golangVersion":"go1.25.3",`+
			`"opensslEnabled":true,"opensslVersion":"OpenSSL 3.5","fipsEnabled":false}`),
		alive("b", "i-5", `{"golangVersion":7,"opensslEnabled":"yes","fipsEnabled":null}`)}
	h.call("GET", "/api/v1/outposts/b", "").is(200,
		`{"uuid":"b","instances":[{"uuid":"i-4","version":"2025.10.4","buildHash":"tagged","hostname":"vm",`+
			`"golangVersion":"go1.25.3","opensslVersion":"OpenSSL 3.5","opensslEnabled":true,"fipsEnabled":false,`+rest+
			`,{"uuid":"i-5","version":"","buildHash":"","hostname":"",`+rest+`]}`)
	h.call("GET", "/api/v1/outposts/x%2F..", "").refuses(protocol.Malformed)
	h.call("GET", "/api/v1/outposts?x=1", "").refuses(protocol.Malformed)
}
