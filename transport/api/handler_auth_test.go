package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 17: no key, a wrong one, one in the wrong place, one that is a character off: 401, never 500.
func TestAuth_WithoutAValidKeyIs401(t *testing.T) {
	with := func(target string, headers ...string) *http.Request {
		r := httptest.NewRequest("POST", target, strings.NewReader(`{"all":true,"event":{"kind":"json","data":{}}}`))
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return r
	}
	for name, c := range map[string]struct {
		r    *http.Request
		code protocol.Reason
	}{
		"none":         {with(publishPath), protocol.Unauthorized},
		"empty":        {with(publishPath, "X-API-Key", ""), protocol.Unauthorized},
		"empty bearer": {with(publishPath, "Authorization", "Bearer "), protocol.InvalidToken},
		"bearer alone": {with(publishPath, "Authorization", "Bearer"), protocol.InvalidToken},
		"no scheme":    {with(publishPath, "Authorization", "k1"), protocol.InvalidToken},
		"basic":        {with(publishPath, "Authorization", "Basic azE6"), protocol.InvalidToken},
		"wrong":        {with(publishPath, "Authorization", "Bearer nonsense"), protocol.InvalidToken},
		"one off":      {with(publishPath, "Authorization", "Bearer k0"), protocol.InvalidToken},
		"too long": {with(publishPath, "Authorization", "Bearer k1"+strings.Repeat("1", 1<<20)),
			protocol.InvalidToken},
		"prefix":             {with(publishPath, "X-API-Key", "k"), protocol.InvalidToken},
		"case":               {with(publishPath, "X-API-Key", "K1"), protocol.InvalidToken},
		"control characters": {with(publishPath, "X-API-Key", "\x00\x1b[2J"), protocol.InvalidToken},
		"two that differ": {with(publishPath, "Authorization", "Bearer k1", "X-API-Key", "k2"),
			protocol.InvalidToken},
		"good and wrong": {with(publishPath, "Authorization", "Bearer nonsense", "X-API-Key", "k1"),
			protocol.InvalidToken},
		"two headers": {with(publishPath, "Authorization", "Bearer k1", "Authorization", "Bearer k1"),
			protocol.InvalidToken},
		"two plain":              {with(publishPath, "X-API-Key", "k1", "X-API-Key", "k2"), protocol.InvalidToken},
		"in the query":           {with(publishPath + "?key=k1"), protocol.InvalidToken},
		"as api_key":             {with(publishPath + "?a=1&api_key=k1"), protocol.InvalidToken},
		"as token":               {with(publishPath+"?access_token=k1", "X-API-Key", "k1"), protocol.InvalidToken},
		"as encoded name":        {with(publishPath+"?a;X%2dAPI-Key=k1", "X-API-Key", "k1"), protocol.InvalidToken},
		"in a cookie":            {with(publishPath, "Cookie", "key=k1"), protocol.Unauthorized},
		"in another header":      {with(publishPath, "Api-Key", "k1"), protocol.Unauthorized},
		"in Proxy-Authorization": {with(publishPath, "Proxy-Authorization", "Bearer k1"), protocol.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestAPI(t, Config{})
			a := h.do(c.r)
			a.refuses(c.code)
			if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer realm="parley"`) {
				t.Errorf("WWW-Authenticate: %q", got)
			}
			if len(h.node.published) > 0 {
				t.Error("it was published")
			}
		})
	}
}

func TestAuth_AValidKeyNamesTheTenant(t *testing.T) {
	for _, headers := range [][2]string{{"Bearer k1", ""}, {"bearer k1", ""}, {"BEARER  k1 ", ""}, {"", "k1"},
		{"Bearer k1", "k1"}} {
		h := newTestAPI(t, Config{})
		r := httptest.NewRequest("POST", publishPath,
			strings.NewReader(`{"all":true,"event":{"kind":"json","data":{}}}`))
		if headers[0] != "" {
			r.Header.Set("Authorization", headers[0])
		}
		if headers[1] != "" {
			r.Header.Set("X-API-Key", headers[1])
		}
		if a := h.do(r); a.status != 200 || len(h.node.published) != 1 || h.node.published[0].tenant != "acme" {
			t.Errorf("%q: %d %s", headers, a.status, a.body)
		}
	}
}

// reliability.md check 18, the API's part: a key in a URL reaches no log, metric or answer.
func TestAuth_AKeyReachesNoLogMetricOrAnswer(t *testing.T) {
	h := newTestAPI(t, Config{})
	const key = "k1-secret-k1"
	for _, r := range []*http.Request{
		request("POST", publishPath+"?key="+key, "{}"), request("GET", "/api/v1/"+key, ""),
		request("GET", "/api/v1//x?key="+key, ""),
		request(key, publishPath, ""), request("GET", "/api/v1/connections?"+key+"=1", ""),
	} {
		r.Header.Set("X-API-Key", key)
		if a := h.do(r); a.status != 405 && strings.Contains(a.body, key) && !strings.Contains(a.body, "parameter") {
			t.Errorf("%s: %s", r.URL, a.body)
		}
	}
	if log := h.log.String(); strings.Contains(log, key) || strings.Count(log, "\n") != 5 {
		t.Errorf("log:\n%s", log)
	}
	if a := h.call("GET", "/metrics", ""); strings.Contains(a.body, key) {
		t.Error("in the metrics")
	}
}

func TestAuth_AKeySeesItsOwnTenantOnly(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.connect("c-1", "42")
	r := request("GET", "/api/v1/users/42", "")
	r.Header.Set("Authorization", "Bearer k2")
	h.do(r).refuses(protocol.NotFound)
}
