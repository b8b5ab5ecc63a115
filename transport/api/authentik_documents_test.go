package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

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

// starts does everything that an outpost does before it dials, and returns the names of the providers.
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
		if status != http.StatusOK || json.Unmarshal(document["results"], &results) != nil ||
			json.Unmarshal(document["pagination"], &pagination) != nil {
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

func (h *testAPI) served() *httptest.Server {
	server := httptest.NewServer(h.Public())
	h.t.(*testing.T).Cleanup(server.Close)
	return server
}

// F26: an outpost starts from the documents that are configured for it alone, whatever its kind and however long its
// list.
func TestOutposts_StartFromConfiguredDocuments(t *testing.T) {
	for _, kind := range []string{"proxy", "ldap", "radius"} {
		h := newTestAPI(t, Config{})
		h.tokens.documents = map[string]Documents{oneOutpost: {
			"outposts/" + kind:    []byte(`[{"name":"a"}, {"name":"b"} ,{"name":"c"}]`),
			"core/brands/current": []byte(`{"flow_invalidation":"bye"}`),
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
	h := newTestAPI(t, Config{})
	h.tokens.documents = map[string]Documents{
		oneOutpost: {"outposts/proxy": []byte(`[1,2,3]`), "outposts/none": []byte(` [ ] `)}}
	const tail = `],"autocomplete":{}}`
	for query, want := range map[string]string{
		"proxy/": `{"pagination":{"next":0,"previous":0,"count":3,"current":1,"total_pages":1,` +
			`"start_index":1,"end_index":3},"results":[1,2,3` + tail,
		"proxy?ordering=name": `{"pagination":{"next":0,"previous":0,"count":3,"current":1,"total_pages":1,` +
			`"start_index":1,"end_index":3},"results":[1,2,3` + tail,
		"proxy/?page_size=2": `{"pagination":{"next":2,"previous":0,"count":3,"current":1,"total_pages":2,` +
			`"start_index":1,"end_index":2},"results":[1,2` + tail,
		"proxy/?page=2&page_size=2": `{"pagination":{"next":0,"previous":1,"count":3,"current":2,"total_pages":2,` +
			`"start_index":3,"end_index":3},"results":[3` + tail,
		"none/?page=1&page_size=9": `{"pagination":{"next":0,"previous":0,"count":0,"current":1,"total_pages":1,` +
			`"start_index":0,"end_index":0},"results":[` + tail,
	} {
		if a := h.do(shows("GET", "/api/v3/outposts/"+query, "Bearer outpost")); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	h.do(shows("GET", "/api/v3/outposts/proxy/?page=3&page_size=2", "Bearer outpost")).refuses(protocol.NotFound,
		"Invalid page.")
	for _, query := range []string{"page=0", "page=-1", "page=x", "page_size=0", "page_size=99999999999999999999",
		"page=%zz"} {
		h.do(shows("GET", "/api/v3/outposts/proxy/?"+query, "Bearer outpost")).refuses(protocol.Malformed)
	}
	h.do(shows("GET", "/api/v3/outposts/proxy/", "Bearer alice")).refuses(protocol.Forbidden)
}

// F27: releases before 2025.10 demand cache_timeout_reputation, those from then on refuse it.
func TestRootConfig_IsThatOfTheRelease(t *testing.T) {
	h := newTestAPI(t, Config{})
	for agent, want := range map[string]bool{
		"goauthentik.io/outpost/2024.2.0": true, "goauthentik.io/outpost/2024.10.5": true,
		"goauthentik.io/outpost/2024.12.3": true,
		"goauthentik.io/outpost/2025.8.6":  true, "goauthentik.io/outpost/2025.8.0-rc1": true,
		"goauthentik.io/outpost/2025.9":                       true,
		"goauthentik.io/outpost/2025.8.4 (provider=a 2026.1)": true, "goauthentik.io/outpost/2025.10.0": false,
		"goauthentik.io/outpost/2025.10.0-rc1": false,
		"goauthentik.io/outpost/2025.10.4":     false, "goauthentik.io/outpost/2025.12.1": false,
		"goauthentik.io/outpost/2026.2.0": false, "goauthentik.io/outpost/2026.2": false,
		"": false, "curl/8.5.0": false, "goauthentik.io/outpost/": false, "goauthentik.io/outpost/x.y": false,
		"goauthentik.io/outpost/2025": false,
		"goauthentik.io/outpost/-1.8": false, "goauthentik.io/outpost/2025.99999999999999999999": false,
	} {
		r := shows("GET", "/api/v3/root/config/", "Bearer outpost")
		r.Header.Set("User-Agent", agent)
		a := h.do(r)
		if !json.Valid([]byte(a.body)) || a.status != 200 ||
			strings.Contains(a.body, "cache_timeout_reputation") != want {
			t.Errorf("%q gets %d %s", agent, a.status, a.body)
		}
	}
}

// F27: lists have autocomplete from 2025.8 on, whose clients demand it and whose predecessors refuse it.
func TestLists_AreThoseOfTheRelease(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.tokens.documents = map[string]Documents{oneOutpost: {"outposts/ldap": []byte(`[1]`)}}
	for release, want := range map[string]bool{"2024.2.0": false, "2025.4.1": false, "2025.6.4": false,
		"2025.8.0": true, "2025.12.4": true, "2026.2.0": true} {
		for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/outposts/ldap/"} {
			r := shows("GET", path, "Bearer outpost")
			r.Header.Set("User-Agent", "goauthentik.io/outpost/"+release)
			a := h.do(r)
			if !json.Valid([]byte(a.body)) || a.status != 200 || strings.Contains(a.body, "autocomplete") != want ||
				strings.Contains(a.body, `"service_connection_obj":null`) {
				t.Errorf("%s gets %d %s", release, a.status, a.body)
			}
		}
	}
}
