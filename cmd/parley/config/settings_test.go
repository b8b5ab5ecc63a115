package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// The table of all settings changes only on purpose: go test ./cmd/parley/config -update writes it anew.
func TestSettings_TableIsTheGoldenOne(t *testing.T) {
	var got bytes.Buffer
	if err := Print(&got, protocols.All); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "settings.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the settings changed; if that is meant, run go test ./cmd/parley/config -update and look at git diff")
		differ(t, string(want), got.String())
	}
}

// differ names the lines that only one of the two has.
func differ(t *testing.T, want, got string) {
	t.Helper()
	for line := range strings.Lines(want) {
		if !strings.Contains(got, line) {
			t.Logf("- %s", line)
		}
	}
	for line := range strings.Lines(got) {
		if !strings.Contains(want, line) {
			t.Logf("+ %s", line)
		}
	}
}

func TestSettings_EachHasAMeaningAndItsOwnNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range (&Config{Protocols: protocolsOf(protocols.All)}).Settings() {
		if s.Help == "" {
			t.Errorf("%s has no line of meaning", s.Key)
		}
		if seen[s.Key] || s.Env != "" && seen[s.Env] {
			t.Errorf("%s (%s) is there twice", s.Key, s.Env)
		}
		seen[s.Key], seen[s.Env] = true, true
	}
	for _, must := range []string{"dashboard.websocket_enabled", "dashboard.websocket_heartbeat_seconds",
		"PARLEY_LISTEN", "PARLEY_LOG_FORMAT", "PARLEY_LOG_LEVEL", "PARLEY_DRAIN"} {
		if !seen[must] {
			t.Errorf("%s is missing", must)
		}
	}
}
