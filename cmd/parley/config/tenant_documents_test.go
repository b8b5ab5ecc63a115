package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol/authentik"
)

// F26: documents of an outpost are a directory of files or one file; an entry without a token has nothing but them.
func TestOutpostDocuments_AreReadFromADirectoryOrAFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"outposts/radius.json": "\n[{\"pk\":1}]\n", "root/config.json": "{}",
		".hidden/x": "?", ".swp": "?"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := write(t, "documents.json", `{"/api/v3/outposts/radius/":[{"pk":1}],"root/config/":{}}`)
	for _, from := range []string{dir, file} {
		tenant := Tenant{Name: "acme", Outposts: []Outpost{{UUID: anOutpost, Documents: from}}}
		all, err := tenant.OutpostDocuments()
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(all[anOutpost])); !slices.Equal(got,
			[]string{"outposts/radius", "root/config"}) || string(all[anOutpost]["outposts/radius"]) != `[{"pk":1}]` {
			t.Errorf("%s has %q", from, all)
		}
		keys, err := tenant.TokenKeys()
		if err != nil || len(keys.Outposts) != 0 {
			t.Errorf("%d tokens, %v", len(keys.Outposts), err)
		}
	}
}

// F26: what outposts cannot be answered with is said before the start, and so is an upstream that is none.
func TestLoad_OutpostDocumentsAndUpstreamAreChecked(t *testing.T) {
	const start = "tenants:\n  - name: acme\n    api_keys: [0123456789abcdef0123]\n    outposts:\n      - {uuid: " +
		anOutpost + ", documents: "
	for name, c := range map[string]struct{ text, want string }{
		"none":  {start + "/nowhere}\n", "tenants[0].outposts[0].documents"},
		"text":  {start + write(t, "a", "x") + "}\n", "must be a JSON object of documents by path"},
		"path":  {start + write(t, "b", `{"../x":{}}`) + "}\n", "none below /api/v3/"},
		"twice": {start + write(t, "c", `{"x":{},"x/":{}}`) + "}\n", "twice"},
		"empty": {start + write(t, "d", `{"outposts/ldap":[]}`) + "}\n", "empty list"},
		"list":  {start + write(t, "e", `{"outposts/proxy":7}`) + "}\n", "must be a list of providers"},
		"differ": {start + write(t, "f", `{}`) + "}\n      - {uuid: " + anOutpost + ", documents: " +
			write(t, "g", `{}`) + "}\n", "differs"},
		"scheme": {"authentik: {upstream: 'ftp://authentik.example'}\n", "authentik.upstream"},
		"host":   {"authentik: {upstream: 'https://'}\n", "must be a URL"},
		"user":   {"authentik: {upstream: 'https://u:p@authentik.example'}\n", "no user"},
		"api":    {"authentik: {upstream: 'https://authentik.example/api/v3/'}\n", "must end before"},
	} {
		var lines []string
		for _, p := range load(t, c.text).Problems {
			lines = append(lines, p.String())
		}
		if text := strings.Join(lines, "\n"); !strings.Contains(text, c.want) || strings.Contains(text, "u:p") {
			t.Errorf("%s: %s, want %q", name, text, c.want)
		}
	}
	for _, good := range []string{"https://authentik.example", "http://10.0.0.7:9000/auth/"} {
		at := authentik.Config{Upstream: good}
		if u, err := at.UpstreamURL(); err != nil || u.String() != good {
			t.Errorf("%s: %v %v", good, u, err)
		}
	}
}
