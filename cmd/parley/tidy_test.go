package main

import (
	"os/exec"
	"strings"
	"testing"
)

// F37: go.mod says which modules are used and which come with them, and nothing else: what the source imports is direct,
// and go mod tidy would change nothing. make test and continuous integration, which runs the linter too, keep it so.
func TestModule_GoModIsTidy(t *testing.T) {
	direct := map[string]bool{}
	for line := range strings.Lines(text(t, "go.mod")) {
		if fields := strings.Fields(line); len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			direct[fields[0]] = !strings.HasSuffix(strings.TrimSpace(line), "// indirect")
		}
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if of := moduleOf(imported, direct); of != "" && !direct[of] {
				t.Errorf("%s imports %s, and go.mod says that %s is indirect", p.ImportPath, imported, of)
			}
		}
	}
	tidy := exec.CommandContext(t.Context(), "go", "mod", "tidy", "-diff")
	tidy.Dir = house
	if said, err := tidy.CombinedOutput(); err != nil {
		t.Errorf("go mod tidy changes go.mod or go.sum: %v\n%s", err, said)
	}
	if makefile := text(t, "Makefile"); !strings.Contains(makefile, "mod tidy -diff") {
		t.Error("make test does not want a tidy go.mod")
	}
	if !strings.Contains(text(t, ".ci/run"), "\nmake lint\n") {
		t.Error("continuous integration does not run the linter")
	}
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
		if strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(file, ".git/") && strings.HasPrefix(text(t, file), "//go:build race") {
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
