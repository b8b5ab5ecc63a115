package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// effectiveOf loads a file and returns what is in effect, by key.
func effectiveOf(t *testing.T, yaml string, environ ...string) map[string]Effective {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := Load(Sources{Protocols: protocols.All, File: file, Environ: environ,
		Flags: []Flag{{Name: "--drain", Key: "drain", Value: "3s"}}})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	all := map[string]Effective{}
	for _, e := range loaded.Config.Effective {
		e.Origin = strings.TrimPrefix(e.Origin, filepath.Dir(file)+"/")
		all[e.Key] = e
	}
	return all
}

// Sections may have names of the operator's own.
func TestEffective_NamesTheSectionsOfAMap(t *testing.T) {
	load := func(yaml string) *Result {
		file := filepath.Join(t.TempDir(), "parley.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(Sources{Protocols: protocols.All, File: file, Dev: true})
	}
	var got []string
	l := load("centrifuge:\n  namespaces:\n    quiet: {presence: false}\n    chat: {presence: true}\n")
	for _, e := range l.Config.Effective {
		if strings.HasPrefix(e.Key, "centrifuge.") {
			got = append(got, e.Key+" "+e.Value+" "+filepath.Base(e.Origin))
		}
	}
	if want := []string{"centrifuge.namespaces[chat].presence true parley.yaml:4",
		"centrifuge.namespaces[quiet].presence false parley.yaml:3"}; !slices.Equal(got, want) {
		t.Errorf("got %q %v", got, l.Problems)
	}
	for yaml, want := range map[string]string{
		"centrifuge: {namespaces: chat}\n":                    "centrifuge.namespaces: must be sections by their names",
		"centrifuge: {namespaces: {chat: {present: true}}}\n": "centrifuge.namespaces[chat].present: unknown key",
	} {
		if l := load(yaml); len(l.Problems) != 1 || !strings.Contains(l.Problems[0].String(), want) {
			t.Errorf("%s has %v", yaml, l.Problems)
		}
	}
}

func TestEffective_SaysWhenceAndHidesSecrets(t *testing.T) {
	all := effectiveOf(t, `listen: 127.0.0.1:0
feed: false
api: {admin_key: a-key-of-operators}
dashboard:
  websocket_heartbeat_seconds: 7
topic_rules:
  - {pattern: telemetry/*, slow: conflate}
tenants:
  - name: acme
    api_keys: [an-api-key-of-acme, another-api-key-of-acme]
    keys: [{alg: HS256, secret: a-secret-of-32-bytes-or-more-of-acme}]
    lifecycle: {webhook: {url: "https://hooks.example/a?token=hidden", secret: a-secret-of-a-webhook}}
`, "PARLEY_LOG_LEVEL=debug")
	for key, want := range map[string]struct{ value, origin string }{
		"listen":                                {"127.0.0.1:0", "parley.yaml:1"},
		"feed":                                  {"false", "parley.yaml:2"}, // the default, but somebody wrote it
		"api.admin_key":                         {mask, "parley.yaml:3"},
		"log.level":                             {"debug", "PARLEY_LOG_LEVEL"},
		"drain":                                 {"3s", "--drain"},
		"topic_rules[0].slow":                   {"conflate", "parley.yaml:7"},
		"tenants[0].name":                       {"acme", "parley.yaml:9"},
		"tenants[0].api_keys":                   {mask, "parley.yaml:10"},
		"tenants[0].keys[0].secret":             {mask, "parley.yaml:11"},
		"tenants[0].lifecycle.webhook.url":      {"https://hooks.example/a", "parley.yaml:12"},
		"dashboard.websocket_heartbeat_seconds": {"7", "parley.yaml:5"},
	} {
		if got := all[key]; got.Value != want.value || got.Origin != want.origin || got.Help == "" {
			t.Errorf("%s: %+v, want %q from %s", key, got, want.value, want.origin)
		}
	}
	for key, e := range all {
		if e.Origin == "" || e.Origin == "dev mode" {
			t.Errorf("%s is there, but nobody set it: %+v", key, e)
		}
		for _, secret := range []string{"a-key", "an-api-key", "a-secret", "password", "hidden"} {
			if strings.Contains(e.Value, secret) {
				t.Errorf("%s shows %s", key, e.Value)
			}
		}
	}
}

// A setting that holds a secret is masked by its unit, so each has to have it.
func TestEffective_EverySettingThatSoundsSecretHasTheUnit(t *testing.T) {
	c := Config{Protocols: protocolsOf(protocols.All)}
	for _, s := range c.Settings() {
		name := s.Key[strings.LastIndexAny(s.Key, ".]")+1:]
		sounds := slices.ContainsFunc([]string{"secret", "password", "token", "api_key", "admin_key", "viewer_key"},
			func(word string) bool { return name == word || name == word+"s" || strings.HasSuffix(name, "_"+word) })
		if sounds && s.typ.Kind().String() != "bool" && !strings.HasPrefix(s.Unit, "secret") {
			t.Errorf("%s has the unit %q", s.Key, s.Unit)
		}
	}
}

func TestEffective_DevModeSaysWhatItSets(t *testing.T) {
	loaded := Load(Sources{Protocols: protocols.All, Dev: true})
	i := slices.IndexFunc(loaded.Config.Effective, func(e Effective) bool { return e.Key == "drain" })
	if i < 0 || loaded.Config.Effective[i].Origin != "dev mode" || loaded.Config.Effective[i].Value != "2s" ||
		loaded.Config.Effective[i].Default != "30s" {
		t.Errorf("%+v", loaded.Config.Effective)
	}
}

func TestEffective_AfterAReloadWhatNeedsARestartStays(t *testing.T) {
	before := []Effective{{Key: "listen", Value: "a"}, {Key: "drain", Value: "1s"}, {Key: "hosts[0].name", Value: "x"}}
	after := []Effective{{Key: "drain", Value: "2s"}, {Key: "data", Value: "d"}, {Key: "hosts[0].name", Value: "y"}}
	got := EffectiveAfterReload(before, after, []string{"listen", "data", "hosts"})
	want := []Effective{{Key: "drain", Value: "2s"}, {Key: "listen", Value: "a"}, {Key: "hosts[0].name", Value: "x"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
