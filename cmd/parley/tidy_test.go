package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// F37: go.mod says which modules are used and which come with them, and nothing else: what the source imports is
// direct, and go mod tidy would change nothing. make test and continuous integration, which runs the linter too, keep
// it so, in both modules.
func TestModule_GoModIsTidy(t *testing.T) {
	for _, dir := range modules {
		_, direct := required(t, dir)
		for _, p := range packagesOf(t, dir) {
			for _, imported := range p.Imports {
				if of := moduleOf(imported, direct); of != "" && !direct[of] {
					t.Errorf("%s imports %s, and go.mod says that %s is indirect", p.ImportPath, imported, of)
				}
			}
		}
		tidy := exec.CommandContext(t.Context(), "go", "mod", "tidy", "-diff")
		tidy.Dir = filepath.Join(house, dir)
		if said, err := tidy.CombinedOutput(); err != nil {
			t.Errorf("go mod tidy changes go.mod or go.sum of %s: %v\n%s", dir, err, said)
		}
	}
	for _, command := range []string{"$(GO) mod tidy -diff", "$(GO) -C bench mod tidy -diff"} {
		if !strings.Contains(text(t, "Makefile"), command) {
			t.Errorf("make test does not want a tidy go.mod: it does not run %s", command)
		}
	}
	if !strings.Contains(text(t, ".ci/run"), "\nmake lint\n") {
		t.Error("continuous integration does not run the linter")
	}
}

// What bench measures is the server as it is shipped: a clone has all of it, and what both modules need has one
// version.
func TestModule_BenchTakesTheServerBesideItWithTheSameLibraries(t *testing.T) {
	server, _ := required(t, ".")
	bench, _ := required(t, "bench")
	for name, version := range bench {
		if of, both := server[name]; both && of != version {
			t.Errorf("bench requires %s %s, the server %s", name, version, of)
		}
	}
	root := strings.TrimSuffix(module, "/")
	if !strings.Contains(text(t, "bench/go.mod"), "\nreplace "+root+" => ../\n") {
		t.Error("bench does not take the server from the folder above it")
	}
	for name := range server {
		if strings.HasPrefix(name+"/", module) {
			t.Errorf("the server requires %s, which is in its own repository", name)
		}
	}
}

// required are the modules that the go.mod of a folder requires: their versions, and which are direct.
func required(t *testing.T, dir string) (versions map[string]string, direct map[string]bool) {
	t.Helper()
	versions, direct = map[string]string{}, map[string]bool{}
	for line := range strings.Lines(text(t, filepath.Join(dir, "go.mod"))) {
		if fields := strings.Fields(line); len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			versions[fields[0]] = fields[1]
			direct[fields[0]] = !strings.HasSuffix(strings.TrimSpace(line), "// indirect")
		}
	}
	return versions, direct
}

// moduleOf is the module that a package belongs to, by the longest name; "" if it is none of them.
func moduleOf(imported string, modules map[string]bool) (of string) {
	for name := range modules {
		if len(name) > len(of) && strings.HasPrefix(imported+"/", name+"/") {
			of = name
		}
	}
	return of
}

// F52: the packages in which the race detector hides something, such as allocations or how long a start takes, are
// tested without it as well.
func TestModule_WhatTheRaceDetectorHidesIsTestedWithoutIt(t *testing.T) {
	hidden := 0
	walkHouse(t, func(_, file string) {
		if strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(file, ".git/") &&
			strings.HasPrefix(text(t, file), "//go:build race") {
			hidden++
		}
	})
	if hidden < 3 {
		t.Errorf("%d packages know whether the race detector is there; actors, its store and the API did", hidden)
	}
	ci := text(t, ".ci/run")
	for _, part := range []string{"git grep -l 'go:build race' -- '*_test.go'", "make quick PKG="} {
		if !strings.Contains(ci, part) {
			t.Errorf("continuous integration does not run make quick for them: there is no %s", part)
		}
	}
}
