package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// asOutpost does a call as an authentik outpost of dev mode does.
func asOutpost(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+config.DevOutpostToken)
	r.Header.Set("User-Agent", "goauthentik.io/outpost/2025.10.4")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// F26: an outpost does its three calls and opens its socket, first with documents of a file and then, after a reload,
// with those of the real authentik, below a path of its own as well.
func TestOutpost_StartsFromFilesAndThroughAnUpstream(t *testing.T) {
	authentik := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"upstream":"`+r.URL.Path+`","for":"`+r.Header.Get("X-Forwarded-For")+`"}`)
	}))
	t.Cleanup(authentik.Close)
	cfg := devConfig(t, "PARLEY_AUTHENTIK_PATH=/auth/")
	file := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(file, []byte(`{"outposts/radius/":[{"pk":7,"name":"radius"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	outposts := cfg.Tenants[0].Outposts
	cfg.Tenants[0].Outposts = append(outposts[:1:1], config.Outpost{UUID: config.DevOutpost, Documents: file})
	s := run(t, cfg)
	base := "http://" + s.Address() + "/auth/api/v3/"
	starts := func(want map[string]string) {
		t.Helper()
		for _, path := range []string{"outposts/instances/", "root/config/", "outposts/radius/?page=1&page_size=100"} {
			if status, body := asOutpost(t, base+path); status != http.StatusOK || !strings.Contains(body, want[path]) {
				t.Errorf("%s: %d %s, want %s", path, status, body, want[path])
			}
		}
		socket, _ := dial(t, "ws://"+s.Address()+"/auth/ws/outpost/"+config.DevOutpost+"/", "",
			http.Header{"Authorization": {"Bearer " + config.DevOutpostToken}})
		socket.asks(`{"instruction":1,"args":{"uuid":"i-1","version":"2025.10.4"}}`, `{"instruction":0,"args":{}}`)
	}
	starts(map[string]string{"outposts/instances/": `"type":"radius"`, "root/config/": `"cache_timeout_policies":300}`,
		"outposts/radius/?page=1&page_size=100": `"results":[{"pk":7,"name":"radius"}]`})

	cfg.Protocols = devConfig(t, "PARLEY_AUTHENTIK_PATH=/auth/", "PARLEY_AUTHENTIK_UPSTREAM="+authentik.URL).Protocols
	cfg.Tenants = append([]config.Tenant{}, cfg.Tenants...)
	cfg.Tenants[0].Outposts = outposts
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	starts(map[string]string{"outposts/instances/": `{"upstream":"/api/v3/outposts/instances/","for":"127.0.0.1"}`,
		"root/config/":                          `{"upstream":"/api/v3/root/config/"`,
		"outposts/radius/?page=1&page_size=100": `{"upstream":"/api/v3/outposts/radius/"`})
}
