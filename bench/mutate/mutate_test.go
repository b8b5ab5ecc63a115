package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const house = "../.."

// Each row breaks a line that is there, and names tests that are there, so that no row rots while nobody runs it.
func TestTable_EachRowBreaksALineThatIsThereForTestsThatAreThere(t *testing.T) {
	names := map[string][]string{}
	for _, m := range table {
		if _, err := m.broken(house); err != nil {
			t.Errorf("%s: %v", m.proves, err)
		}
		pattern, err := regexp.Compile(m.tests)
		if err != nil || m.tests == "" || m.proves == "" {
			t.Errorf("%s: tests %q, proves %q: %v", m.file, m.tests, m.proves, err)
			continue
		}
		if names[m.where()] == nil {
			names[m.where()] = testsOf(t, filepath.Join(house, m.where()))
		}
		found := false
		for _, name := range names[m.where()] {
			found = found || pattern.MatchString(name)
		}
		if !found {
			t.Errorf("%s: no test of %s is called %s", m.file, m.where(), m.tests)
		}
	}
}

// testsOf are the names of the tests of a package.
func testsOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests (%v)", dir, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil &&
				(strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// A break is noticed if a test fails, and not if the tests pass, are not there, or cannot be built.
func TestMutation_OnlyATestThatFailsNotices(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module sample\n\ngo 1.26\n",
		"sum.go": "package sample\n\nfunc sum(a, b int) int { return a + b }\n\nfunc unseen() int { return 1 }\n",
		"sum_test.go": "package sample\n\nimport \"testing\"\n\n" +
			"func TestSum(t *testing.T) {\n\tif sum(2, 3) != 5 {\n\t\tt.Error(\"wrong\")\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		m       mutation
		noticed bool
		why     string
	}{
		{mutation{from: "a + b", to: "a - b", tests: "TestSum"}, true, ""},
		{mutation{from: "return 1", to: "return 2", tests: "TestSum"}, false, "the tests pass"},
		{mutation{from: "a + b", to: "a - b", tests: "TestProduct"}, false, "no test has this name"},
		{mutation{from: "a + b", to: "a +* b", tests: "TestSum"}, false, "it does not compile"},
		{mutation{from: "a * b", to: "a - b", tests: "TestSum"}, false, `has "a * b" 0 times`},
		{mutation{from: "func", to: "fun", tests: "TestSum"}, false, `has "func" 2 times`},
		{mutation{from: "a + b", to: "a + b", tests: "TestSum"}, false, "nothing is broken"},
	} {
		c.m.file = "sum.go"
		v := c.m.try(t.Context(), dir, time.Minute)
		if v.noticed != c.noticed || !strings.Contains(v.why, c.why) {
			t.Errorf("%q -> %q: noticed %v, %s", c.m.from, c.m.to, v.noticed, v.why)
		}
	}
}
