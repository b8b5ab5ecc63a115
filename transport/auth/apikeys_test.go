package auth_test

import (
	"strings"
	"testing"

	"github.com/parley-realtime/parley/transport/auth"
)

// reliability.md check 17: a client that has the key is known, and nobody else gets in.
func TestAPIKeys_SayWhichTenantCalls(t *testing.T) {
	keys, err := auth.NewAPIKeys(map[string][]string{"acme": {"acme-key-1", "acme-key-2", "acme-key-1"}, "b": {"b-key"},
		"dev": {"dev"}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"acme-key-1": "acme", "acme-key-2": "acme", "b-key": "b", "dev": "dev",
		"": "", "acme-key-": "", "acme-key-11": "", "acme-key-3": "", "Acme-key-1": "", " b-key": "", "b-key\n": "",
		"b":                        "",
		strings.Repeat("k", 1<<20): "",
	} {
		if tenant, ok := keys.Tenant(key); tenant != want || ok != (want != "") {
			t.Errorf("key %.20q is of %q (%v), want %q", key, tenant, ok, want)
		}
	}
}

func TestAPIKeys_ReloadReplacesAllOrNothing(t *testing.T) {
	keys, err := auth.NewAPIKeys(map[string][]string{"acme": {"old"}})
	if err != nil {
		t.Fatal(err)
	}
	for says, tenants := range map[string]map[string][]string{
		`one of tenant "acme"`: {"acme": {"same"}, "b": {"same"}},
		"API key 2 has 0":      {"acme": {"new", ""}},
		"has 513 bytes":        {"acme": {strings.Repeat("k", 513)}},
	} {
		if err := keys.Reload(tenants); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %s", err, says)
		}
	}
	if _, ok := keys.Tenant("old"); !ok {
		t.Error("a broken reload dropped a key")
	}
	if err := keys.Reload(map[string][]string{"acme": {"new"}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := keys.Tenant("old"); ok {
		t.Error("the old key still opens")
	}
	if tenant, ok := keys.Tenant("new"); !ok || tenant != "acme" {
		t.Error("the new key does not open")
	}
	if made, err := auth.NewAPIKeys(map[string][]string{"acme": {""}}); err == nil || made != nil {
		t.Error("an empty key was accepted")
	}
	if none, err := auth.NewAPIKeys(nil); err != nil {
		t.Error(err)
	} else if _, ok := none.Tenant("x"); ok {
		t.Error("without keys somebody got in")
	}
}
