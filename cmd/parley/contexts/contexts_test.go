package contexts

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// open opens the contexts of a user of whom nothing is known yet.
func open(t *testing.T) *Contexts {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return again(t)
}

func again(t *testing.T) *Contexts {
	t.Helper()
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// file is a file with a content.
func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestContexts_AreKeptForTheUserAlone(t *testing.T) {
	c := open(t)
	key := file(t, "k-1\n")
	err := errors.Join(c.Add("prod", Context{URL: "https://push.example.org", KeyFile: key}),
		c.Add("test", Context{URL: "http://127.0.0.1:8000"}), c.Use("test"), c.Save())
	if err != nil {
		t.Fatal(err)
	}
	c = again(t)
	if c.Current != "test" || !slices.Equal(c.Names(), []string{"prod", "test"}) {
		t.Errorf("read %+v", c)
	}
	prod, err := c.Named("prod")
	if err != nil || prod.URL != "https://push.example.org" {
		t.Errorf("%+v %v", prod, err)
	}
	if got, err := prod.Key(); got != "k-1" || err != nil {
		t.Errorf("key %q %v", got, err)
	}
	if got, err := prod.Token(); got != "" || err != nil {
		t.Errorf("token %q %v", got, err)
	}
	content, err := os.ReadFile(c.path)
	if err != nil || strings.Contains(string(content), "k-1") {
		t.Errorf("the file has the key in it, or: %v", err)
	}
	if info, err := os.Stat(c.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(c.path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestContexts_TheFirstOneBecomesTheCurrentOne(t *testing.T) {
	c := open(t)
	if _, err := c.Named("prod"); err == nil || !strings.Contains(err.Error(), "parley context add") {
		t.Errorf("of none: %v", err)
	}
	if err := errors.Join(c.Add("a", Context{URL: "http://a"}), c.Add("b", Context{URL: "http://b"})); err != nil {
		t.Fatal(err)
	}
	if c.Current != "a" {
		t.Errorf("current is %q", c.Current)
	}
	if err := c.Use("c"); err == nil || !strings.Contains(err.Error(), "known are a, b") || c.Current != "a" {
		t.Errorf("%v, current %q", err, c.Current)
	}
}

func TestContexts_RefuseWhatCannotBeUsed(t *testing.T) {
	c := open(t)
	for name, wrong := range map[string]Context{
		"":          {URL: "http://a"},
		"a/b":       {URL: "http://a"},
		"noscheme":  {URL: "push.example.org:443"},
		"password":  {URL: "https://u:p@push.example.org"},
		"nofile":    {URL: "http://a", KeyFile: filepath.Join(t.TempDir(), "missing")},
		"empty":     {URL: "http://a", KeyFile: file(t, " \n")},
		"two lines": {URL: "http://a", TokenFile: file(t, "a\nb\n")},
	} {
		if err := c.Add(name, wrong); err == nil {
			t.Errorf("%q was added: %+v", name, wrong)
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "contexts.json") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestContexts_WithoutAHomeThereAreNone(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	c := again(t)
	if err := c.Add("a", Context{URL: "http://a"}); err != nil || c.Save() == nil {
		t.Errorf("they were saved: %+v %v", c, err)
	}
}
