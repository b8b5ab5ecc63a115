package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// makes is what make prints for arguments: with -n the commands that it would run.
func makes(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", house}, args...)...)
	cmd.Env = outsideMake(os.Environ())
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make %v: %v\n%s", args, err, said)
	}
	return string(said)
}

// F55: there is a quick form of the tests: without the race detector, with what go test remembers, of both modules, and
// for the packages that PKG names, each in its module; without PKG for what changed. make help tells of it.
func TestMake_HasAQuickFormOfTheTests(t *testing.T) {
	tests := regexp.MustCompile(`(?m)CGO_ENABLED=0 \S+( -C bench)? test (.*)$`)
	for pkg, want := range map[string][]string{
		"./protocol":                        {"./protocol"},
		"./bench/...":                       {"bench ./..."},
		"./actors ./bench/report ./cmd/...": {"./actors ./cmd/...", "bench ./report"},
	} {
		var ran []string
		for _, found := range tests.FindAllStringSubmatch(makes(t, "-n", "quick", "PKG="+pkg), -1) {
			_, tested, _ := strings.Cut(found[2], "./")
			ran = append(ran, strings.TrimSpace(strings.TrimPrefix(found[1], " -C ")+" ./"+tested))
			if strings.Contains(found[2], "-race") || strings.Contains(found[2], "-count") {
				t.Errorf("make quick PKG=%q is not quick: %s", pkg, found[0])
			}
		}
		if !slices.Equal(ran, want) {
			t.Errorf("make quick PKG=%q runs the tests of %q, want %q", pkg, ran, want)
		}
	}
	if ran := makes(t, "-n", "quick", "PKG="); !strings.HasSuffix(strings.TrimSpace(ran), " .ci/quick") {
		t.Errorf("make quick runs %s", ran)
	}
	if help := makes(t, "help"); !strings.Contains(help, "make quick ") {
		t.Errorf("help does not name it:\n%s", help)
	}
}

// Some tests of bench read the source of the other module, which go test does not know: what it remembers may be old.
func TestMake_TestsBenchAnew(t *testing.T) {
	ran := makes(t, "-n", "test")
	if !regexp.MustCompile(`(?m)^\s*cd bench && .* test .*-count=1 .*\./\.\.\.`).MatchString(ran) {
		t.Errorf("make test runs:\n%s", ran)
	}
}

// make check looks at the packages of PKG in every way that make test and make lint do, each in its module.
func TestMake_ChecksOnePackageInEveryWay(t *testing.T) {
	ran := makes(t, "-n", "check", "PKG=./protocol/echo ./bench/report", "GO=go")
	for _, want := range []string{
		"go -C . list -f '{{.Dir}}/*.go' ./protocol/echo", "go -C . vet ./protocol/echo",
		"staticcheck@", "go -C bench vet ./report",
	} {
		if !strings.Contains(ran, want) {
			t.Errorf("make check does not run %s:\n%s", want, ran)
		}
	}
	for folder, pkg := range map[string]string{".": "./protocol/echo", "bench": "./report"} {
		quoted := regexp.QuoteMeta(pkg)
		test := regexp.MustCompile(`(?m)^cd ` + regexp.QuoteMeta(folder) + ` && .*test.* ` + quoted + `$`)
		if !test.MatchString(ran) {
			t.Errorf("make check does not test %s in %s:\n%s", pkg, folder, ran)
		}
	}
	if help := makes(t, "help"); !strings.Contains(help, "make check PKG=") {
		t.Errorf("help does not name it:\n%s", help)
	}
}

// outsideMake is an environment without what a make that runs these tests hands down: its flags, and the variables of
// its command line (make quick PKG=./protocol), which would decide for the make of the test, too. Nor does it have what
// git hands down to its hooks.
func outsideMake(environ []string) []string {
	return slices.DeleteFunc(environ, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasPrefix(name, "GIT_") ||
			slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "PKG", "TESTFLAGS"}, name)
	})
}

// quickRepository is a repository of two modules, as this one is, in which make quick's script looks for changes.
type quickRepository struct {
	t   *testing.T
	dir string
}

func newQuickRepository(t *testing.T) *quickRepository {
	t.Helper()
	r := &quickRepository{t, t.TempDir()}
	for name, content := range map[string]string{
		"go.mod":             "module sample\n\ngo 1.26\n",
		"leaf/leaf.go":       "package leaf\n",
		"middle/middle.go":   "package middle\n\nimport _ \"sample/leaf\"\n",
		"middle/more.go":     "package middle\n",
		"top/top.go":         "package top\n\nimport _ \"sample/middle\"\n",
		"tested/tested.go":   "package tested\n",
		"tested/one_test.go": "package tested\n\nimport _ \"sample/middle\"\n",
		"other/other.go":     "package other\n",
		"cmd/parley/main.go": "package main\n\nfunc main() {}\n",
		"bench/go.mod":       "module sample/bench\n\ngo 1.26\n\nrequire sample v0.0.0\n\nreplace sample => ../\n",
		"bench/uses/uses.go": "package uses\n\nimport _ \"sample/leaf\"\n",
		"bench/own/own.go":   "package own\n",
		".ci/quick":          text(t, ".ci/quick"),
	} {
		r.write(name, content)
	}
	return r
}

func (r *quickRepository) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *quickRepository) run(name string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), name, args...)
	cmd.Dir = r.dir
	cmd.Env = append(outsideMake(os.Environ()), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	said, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
	return string(said)
}

func (r *quickRepository) git(args ...string) {
	r.t.Helper()
	r.run("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
}

// F55: make quick takes the packages that changed since main, committed or not, to test them, and those that import
// them, to vet them.
func TestQuick_TakesWhatChangedSinceMainAndWhatImportsIt(t *testing.T) {
	for _, program := range []string{"git", "bash", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	r := newQuickRepository(t)
	all := "bench/own bench/uses cmd/parley leaf middle other tested top"
	list := func(when, want string) {
		t.Helper()
		lines := strings.Fields(strings.ReplaceAll(r.run("bash", ".ci/quick", "list"), "sample/", ""))
		slices.Sort(lines)
		if got := strings.Join(lines, " "); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	list("without git", all)
	r.git("init", "-q", "-b", "other")
	r.git("add", ".")
	r.git("commit", "-q", "-m", "all")
	list("without main", all)
	r.git("branch", "main")
	if said := r.run("bash", ".ci/quick"); !strings.Contains(said, "Nothing has changed since main") {
		t.Errorf("without a change it prints %q", said)
	}
	for _, c := range []struct{ change, content, want string }{
		{"leaf/leaf.go", "package leaf\n\nvar A int\n", "bench/uses leaf middle"},
		{"middle/new.go", "package middle\n", "middle tested top"},
		{"middle/more.go", "", "middle tested top"}, // removed
		{"other/testdata/deep/a.txt", "a", "other"},
		{"README.md", "a", "cmd/parley"},
		{"bench/README.md", "a", "cmd/parley"},
		{"go.mod", "module sample // a\n\ngo 1.26\n", all},
		{"bench/own/own.go", "package own\n\nvar A int\n", "bench/own"},
	} {
		if r.write(c.change, c.content); c.content == "" {
			if err := os.Remove(filepath.Join(r.dir, c.change)); err != nil {
				t.Fatal(err)
			}
		}
		list(c.change, c.want)
		r.git("add", ".")
		r.git("commit", "-q", "-m", c.change)
		list(c.change+", committed", c.want)
		r.git("reset", "-q", "--hard", "main")
	}
}

// fakeGo stands for go: it lists one package, and its test goes on until it is killed. What has descriptor 3 lives.
const fakeGo = `#!/bin/bash
case "$*" in
"list -m") echo sample ;;
*list*) echo "$PWD/leaf|sample/leaf||" ;;
*) echo tested >&3; exec tail -f /dev/null ;;
esac
`

// An interrupted make quick leaves nothing running.
func TestQuick_EndsWhatItStartedWhenItIsInterrupted(t *testing.T) {
	for _, program := range []string{"bash", "tail"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	r := newQuickRepository(t)
	r.write("go", fakeGo)
	alive, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	cmd := exec.CommandContext(t.Context(), "bash", ".ci/quick")
	cmd.Dir, cmd.ExtraFiles = r.dir, []*os.File{held}
	cmd.Env = append(outsideMake(os.Environ()), "GO=bash "+filepath.Join(r.dir, "go"))
	err = cmd.Start()
	held.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(alive, make([]byte, len("tested"))); err != nil {
		t.Fatal("it starts no test: ", err)
	}
	cmd.Process.Signal(os.Interrupt)
	alive.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, alive); err != nil {
		t.Error("a test goes on: ", err)
		cmd.Process.Kill()
	}
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("it ends with %d", status)
	}
}
