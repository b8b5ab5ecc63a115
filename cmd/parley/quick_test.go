package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// F55: there is a quick form of the tests: without the race detector, with what go test remembers, and for one package
// if one is named. make help tells of it.
func TestMake_HasAQuickFormOfTheTests(t *testing.T) {
	dry := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", house}, args...)...)
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
	tests := regexp.MustCompile(`CGO_ENABLED=0 \S+ test (.*)`)
	for want, args := range map[string][]string{"./...": {"-n", "quick"}, "./protocol": {"-n", "quick", "PKG=./protocol"}} {
		found := tests.FindStringSubmatch(dry(args...))
		if found == nil || !strings.HasSuffix(strings.TrimSpace(found[1]), " "+want) || strings.Contains(found[1], "-race") || strings.Contains(found[1], "-count") {
			t.Errorf("make %v runs %q, want the tests of %s", args, found, want)
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
