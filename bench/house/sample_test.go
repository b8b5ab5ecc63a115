package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample writes a module of its own and reads it. A text without a package clause gets one.
func sample(t *testing.T, files map[string]string) *source {
	t.Helper()
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module sample\n\ngo 1.26\n")
	for name, text := range files {
		if !strings.HasPrefix(text, "// Package ") {
			text = "package " + filepath.Base(filepath.Dir(name)) + "\n" + text
		}
		write(name, text)
	}
	src, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// check holds a figure of a sample against what it should be, and what it found against the beginnings of lines.
func check(t *testing.T, src *source, key string, now []int, note string, found ...string) {
	t.Helper()
	i := slices.IndexFunc(figures, func(f figure) bool { return f.key == key })
	m, err := figures[i].measure(src)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.now, now) || m.note != note {
		t.Errorf("%s is %v (%s), want %v (%s)", key, m.now, m.note, now, note)
	}
	if !slices.EqualFunc(m.found, found, func(got, want string) bool { return strings.TrimSpace(got) == want }) {
		t.Errorf("%s found %q, want %q", key, m.found, found)
	}
}

func TestRead_LeavesOutWhatIsNotBuilt(t *testing.T) {
	src := sample(t, map[string]string{
		"a/a.go": "", "a/a_test.go": "", "a/testdata/b.go": "", ".git/c.go": "", "node_modules/d.go": "",
	})
	var all []string
	for _, f := range src.files {
		all = append(all, f.path)
	}
	if !slices.Equal(all, []string{"a/a.go", "a/a_test.go"}) || len(src.shipped()) != 1 {
		t.Errorf("it read %q", all)
	}
	if _, err := read(t.TempDir()); err == nil {
		t.Error("a folder without Go files is no error")
	}
}

func TestSizes_AreCountedWithoutTests(t *testing.T) {
	src := sample(t, map[string]string{
		"actors/a.go":      "func one() {}\n\n// long is a comment.\nfunc long() {\n\tone()\n}\n",
		"actors/a_test.go": "func tested() {\n\n\n\n\n\n}\n",
		"actors/b/b.go":    "\n\nfunc (t *T) two() {\n}\n\ntype T int\n",
	})
	check(t, src, "engine", []int{1, 7}, "", "7  actors/a.go")
	check(t, src, "functions", []int{2, 3, 3}, "",
		"3  actors/a.go:5 long", "2  actors/b/b.go:4 two", "1  actors/a.go:2 one")
	check(t, src, "files", []int{7, 7}, "", "7  actors/a.go", "7  actors/b/b.go")
}

func TestQuantile_IsTheNearestRank(t *testing.T) {
	var all []sized
	for n := range 10 {
		all = append(all, sized{lines: n + 1})
	}
	for percent, want := range map[int]int{1: 1, 50: 5, 90: 9, 91: 10, 100: 10} {
		if got := quantile(all, percent); got != want {
			t.Errorf("p%d is %d, want %d", percent, got, want)
		}
	}
	if got := quantile(nil, 90); got != 0 {
		t.Errorf("p90 of nothing is %d", got)
	}
}

func TestColumns_CountATabAsFourAndALetterAsOne(t *testing.T) {
	src := sample(t, map[string]string{
		"a/a_test.go": "//" + strings.Repeat("é", 118) + "\n//" + strings.Repeat("é", 119) + "\n" +
			"const a = `" + strings.Repeat("x", 120) + "\n" + strings.Repeat("x", 121) + "`\n" +
			"func b() {\n\t// " + strings.Repeat("x", 114) + "\n}\n",
	})
	check(t, src, "columns", []int{3}, "",
		"a/a_test.go:3 has 121 columns", "a/a_test.go:4 has 131 columns", "a/a_test.go:7 has 121 columns")
}

func TestColumns_ATagIsNotWrappedButItsHelpCanMove(t *testing.T) {
	long := strings.Repeat("x", 120)
	src := sample(t, map[string]string{
		"a/a.go": "type T struct {\n\tA int `env:\"" + long + "\"`\n\tB int `help:\"" + long + "\"`\n}\n",
	})
	check(t, src, "columns", []int{1}, "", "a/a.go:4 has 139 columns")
}

func TestTypes_TheirMethodsAreCountedOverAllFiles(t *testing.T) {
	exempt["a.Exempt"] = "of this test"
	t.Cleanup(func() { delete(exempt, "a.Exempt") })
	src := sample(t, map[string]string{
		"a/a.go": "type T struct{}\nfunc (T) one() {}\nfunc (t *T) two() {}\n" +
			"type G[K, V any] struct{}\nfunc (*G[K, V]) one() {}\n",
		"a/b.go": "func (t *T) three() {}\n" +
			"type Exempt int\nfunc (Exempt) a() {}\nfunc (Exempt) b() {}\nfunc (Exempt) c() {}\n",
		"a/c.go":      "func (Exempt) d() {}\n",
		"a/d.go":      "func (Exempt) e() {}\n",
		"a/a_test.go": "func (t *T) four() {}\nfunc (t *T) five() {}\n",
	})
	check(t, src, "methods", []int{3}, "a.T", "5  a.Exempt (exempt: of this test)", "3  a.T", "1  a.G")
	check(t, src, "spread", []int{2}, "a.T",
		"3  a.Exempt (exempt: of this test): b.go c.go d.go", "2  a.T: a.go b.go", "1  a.G: a.go")
}

func TestProtoactor_ItsImportersAreNamed(t *testing.T) {
	const imports = "import _ \"github.com/asynkron/protoactor-go/actor\"\n"
	src := sample(t, map[string]string{"a/a.go": imports, "a/b.go": imports, "b/b.go": imports, "c/c_test.go": imports})
	check(t, src, "protoactor", []int{2}, "a b", "a", "b")
}

func TestCycles_AreOfFilesThatNameEachOther(t *testing.T) {
	src := sample(t, map[string]string{
		"actors/a.go":      "import \"sample/actors/in\"\ntype A struct{ b *B; in in.First }\n",
		"actors/b.go":      "type B struct{}\nfunc (B) call(c C) { c.method() }\n",
		"actors/c.go":      "type C struct{}\nfunc (C) method() { _ = A{}.b }\n",
		"actors/d.go":      "func above(A) {}\n",
		"actors/a_test.go": "var _ = above\n",
		"actors/in/x.go":   "type First struct{}\nfunc (f First) other(second) { f.last() }\n",
		"actors/in/y.go":   "type second struct{}\nfunc (First) last() {}\n",
		"actors/in/z.go":   "var _ second\n",
	})
	check(t, src, "cycles", []int{3, 2}, "actors actors/in", "3  actors: a.go b.go c.go", "2  actors/in: x.go y.go")
}

func TestComponents_AreWhatReachesEachOther(t *testing.T) {
	got := components(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}})
	want := [][]string{{"a", "b", "c"}, {"d", "e"}, {"f"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("components are %q, want %q", got, want)
	}
}
