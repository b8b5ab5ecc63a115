package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestApps_AreReadAndChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	app := App{ID: "1", Key: "k", SecretFile: file, ClientEvents: true}
	made, err := app.read()
	if err != nil || made.Secret != "from-a-file" || len(made.Publish) != 2 || made.Topics != nil {
		t.Errorf("got %+v, %v", made, err)
	}
	for name, c := range map[string]struct {
		apps []App
		want string
	}{
		"no secret":   {[]App{{ID: "1", Key: "k"}}, "exactly one of secret, secret_file"},
		"two secrets": {[]App{{ID: "1", Key: "k", Secret: "12345678", SecretFile: file}}, "exactly one of"},
		"short":       {[]App{{ID: "1", Key: "k", Secret: "1234567"}}, "the least is 8"},
		"no file":     {[]App{{ID: "1", Key: "k", SecretFile: file + "x"}}, "its secret_file"},
		"no id":       {[]App{{Key: "k", Secret: "12345678"}}, "needs an id and a key"},
		"twice": {[]App{{ID: "1", Key: "k", Secret: "12345678"}, {ID: "1", Key: "l", Secret: "12345678"}},
			"is that of"},
	} {
		var found Diagnostics
		check := tenantCheck{&found, &Tenant{Name: "acme", Apps: c.apps}, "tenants[0]", map[string]string{}}
		check.apps()
		if len(found.Problems) == 0 || !strings.Contains(found.Problems[0].Text, c.want) ||
			!strings.HasPrefix(found.Problems[0].Key, "tenants[0].apps[") {
			t.Errorf("%s: got %v", name, found.Problems)
		}
	}
}
