package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// F55: there is a quick form of the tests: without the race detector, with what go test remembers, of both modules, and
// for the packages that PKG names, each in its module. make help tells of it.
func TestMake_HasAQuickFormOfTheTests(t *testing.T) {
	dry := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", house},
			args...)...)
		cmd.Env = outsideMake(os.Environ())
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make %v: %v\n%s", args, err, said)
		}
		return string(said)
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	tests := regexp.MustCompile(`(?m)CGO_ENABLED=0 \S+( -C bench)? test (.*)$`)
	for pkg, want := range map[string][]string{
		"":                                  {"./...", "bench ./..."},
		"./protocol":                        {"./protocol"},
		"./bench/...":                       {"bench ./..."},
		"./actors ./bench/report ./cmd/...": {"./actors ./cmd/...", "bench ./report"},
	} {
		var ran []string
		for _, found := range tests.FindAllStringSubmatch(dry("-n", "quick", "PKG="+pkg), -1) {
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
	if help := dry("help"); !strings.Contains(help, "make quick ") {
		t.Errorf("help does not name it:\n%s", help)
	}
}

// outsideMake is an environment without what a make that runs these tests hands down: its flags, and the variables of
// its command line (make quick PKG=./protocol), which would decide for the make of the test, too.
func outsideMake(environ []string) []string {
	return slices.DeleteFunc(environ, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "PKG", "TESTFLAGS"}, name)
	})
}
