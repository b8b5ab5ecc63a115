package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Doctor looks at a server as it runs, and at what a configuration names; its status says what came of it.
func TestCommands_DoctorSaysWhatIsWrongAndHowToRepairIt(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	ask := func(args ...string) (outcome, map[string]string) {
		t.Helper()
		got := parley(t, nil, append([]string{"doctor", "--url", r.base, "--wait", "50ms", "--json"}, args...)...)
		var told struct{ Checks []map[string]string }
		if err := json.Unmarshal([]byte(got.stdout), &told); err != nil {
			t.Fatalf("%v: %q %q", args, got.stdout, got.stderr)
		}
		verdicts := map[string]string{}
		for _, c := range told.Checks {
			verdicts[c["check"]] = c["verdict"]
		}
		return got, verdicts
	}
	got, found := ask("--data", t.TempDir())
	for _, name := range []string{"clock", "upgrade", "forwarded", "idle", "token"} {
		if found[name] != "well" {
			t.Errorf("of dev mode: %s is %s in %s", name, found[name], got.stdout)
		}
	}
	if len(found) != 15 {
		t.Errorf("%d checks", len(found))
	}
	if got, found = ask("--only", "clock,token"); got.status != 0 || len(found) != 2 {
		t.Errorf("what is well: %d %q", got.status, got.stdout)
	}
	if got, _ = ask("--only", "token", "--token", "bad"); got.status != 1 {
		t.Errorf("a bad token: %d %q", got.status, got.stdout)
	}
	if got, _ = ask("--only", "clock", "--url", "http://127.0.0.1:1"); got.status != 2 {
		t.Errorf("nobody there: %d %q", got.status, got.stdout)
	}
	file := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, file, "tenants:\n  - name: acme\n    api_keys: ["+firstAPIKey+"]\n"+
		"    keys: [{jwks_url: 'https://127.0.0.1:1/keys'}]\n"+
		"    lifecycle: {webhook: {url: 'http://127.0.0.1:1/', secret: 0123456789abcdef}}\n")
	if got, found = ask("--config", file, "--only", "jwks,webhook"); found["jwks"] != "wrong" ||
		found["webhook"] != "wrong" {
		t.Errorf("services that are not there: %q %q", got.stdout, got.stderr)
	}
	text := parley(t, nil, "doctor", "--url", r.base, "--only", "token", "--token", "bad", "--wait", "0s")
	if text.status != 1 || !strings.Contains(text.stdout, "refused: invalid_token") ||
		!strings.Contains(text.stdout, "repair ") || text.stderr != "" {
		t.Errorf("for people: %d %q %q", text.status, text.stdout, text.stderr)
	}
}
