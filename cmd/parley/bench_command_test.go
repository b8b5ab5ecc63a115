package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/load"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
)

// Bench loads a server in any dialect that can hear a message, or with a payload of one's own; it floods nobody else.
func TestCommands_BenchMeasuresWhatClientsHear(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	bench := func(args ...string) outcome {
		return parley(t, nil, append([]string{"bench", "--url", r.base, "--clients", "3", "--rate", "50", "--for",
			"200ms"}, args...)...)
	}
	payload := filepath.Join(t.TempDir(), "alert.json")
	rewrite(t, payload, strings.Replace(anAlert, `"title":"`, `"title":"{MARK}`, 1))
	for dialect, speaks := range client.DialectsOf(protocols.All) {
		args := []string{"--dialect", dialect, "--output", "json"}
		if speaks.Hears("alerts") {
			args = append(args, "--payload", payload, "--kind", "alert", "--topic", "alerts/1", "alerts/1")
		}
		got := bench(args...)
		if speaks.Credential == protocol.Outpost {
			if got.status != 1 || !strings.Contains(got.stderr, "outposts") {
				t.Errorf("%s: %d %q", dialect, got.status, got.stderr)
			}
			continue
		}
		var told load.Report
		if err := json.Unmarshal([]byte(got.stdout), &told); err != nil || got.status != 0 || told.Published != 10 ||
			told.Deliveries.Count != 30 || told.Missing != 0 {
			t.Errorf("%s: %d %s %q %v", dialect, got.status, got.stdout, got.stderr, err)
		}
	}
	if got := bench("--dialect", "notify"); got.status != 0 || !strings.Contains(got.stdout, "\ndelivery  30 ") ||
		got.stderr != "" {
		t.Errorf("for people: %d %q %q", got.status, got.stdout, got.stderr)
	}
	for want, args := range map[string][]string{
		"--yes-i-may":        {"--url", "http://192.0.2.1"},
		"{MARK}":             {"--payload", tenantFile(t, firstKey, firstAPIKey)},
		"no such file":       {"--payload", payload + ".missing"},
		"clients must be":    {"--clients", "0"},
		"refused: forbidden": {"--token", "bad"},
		"invalid API key":    {"--key", "bad"},
	} {
		if got := bench(append([]string{"--dialect", "notify"}, args...)...); got.status != 1 ||
			!strings.Contains(got.stderr, want) {
			t.Errorf("%v: %d %q", args, got.status, got.stderr)
		}
	}
}
