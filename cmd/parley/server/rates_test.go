package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/config"
)

// reliability.md check 41: a publish that is too much gets 429 and a Retry-After in whole seconds, rounded up. Rates
// and rules reach a running server by Reload.
func TestServer_ReloadBringsRatesAndAPublishTooManyIsToldWhenToComeBack(t *testing.T) {
	cfg := devConfig(t)
	cfg.Feed = false
	s := run(t, cfg)
	publish := func() (status int, retryAfter string) {
		t.Helper()
		request, err := http.NewRequest("POST", "http://"+s.Address()+"/api/v1/publish",
			strings.NewReader(`{"topic":"room","event":{"kind":"json","data":{}}}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-API-Key", config.DevAPIKey)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode, response.Header.Get("Retry-After")
	}
	for range 5 {
		if status, _ := publish(); status != http.StatusOK {
			t.Fatalf("without rates: %d", status)
		}
	}
	slow := cfg
	slow.Rates.Tenant.Bytes = 1 // data of two bytes are two seconds' worth
	slow.Topics.Rules = []policy.Rule{{Pattern: "room", HistoryCount: 2}}
	if err := s.Reload(slow); err != nil {
		t.Fatal(err)
	}
	first, second := 0, 0
	var wait string
	// the tenant takes its limits when it comes to them
	for first != http.StatusOK || second != http.StatusTooManyRequests {
		first, _ = publish()
		second, wait = publish()
		if first == http.StatusTooManyRequests {
			break
		}
	}
	if wait != "2" && wait != "3" && wait != "4" {
		t.Errorf("retry after %q", wait)
	}
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != http.StatusOK; status, _ = publish() {
	}
}
