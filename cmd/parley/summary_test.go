package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// summarize is what make test prints of go test's output, and its exit status.
func summarize(t *testing.T, output string) (printed string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "awk", "-f", filepath.Join(house, ".ci", "summary.awk"))
	cmd.Stdin = strings.NewReader(output)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// F43, F54: make test names what was skipped and why, shows what a test that fails has logged, and fails if go test
// did.
func TestSummary_NamesWhatWasSkippedAndShowsWhatFailed(t *testing.T) {
	t.Parallel()
	const output = `=== RUN   TestGood
    a_test.go:3: what nobody needs to read
--- PASS: TestGood (0.00s)
=== RUN   TestBad
=== PAUSE TestBad
=== RUN   TestOther
    a_test.go:9: no sun: install one
--- SKIP: TestOther (0.00s)
=== CONT  TestBad
    a_test.go:5: first line
        second line
=== RUN   TestBad/one
    a_test.go:6: one is wrong
=== RUN   TestBad/two
    a_test.go:7: no moon
=== NAME  TestBad
    a_test.go:8: third line
--- FAIL: TestBad (1.20s)
    --- FAIL: TestBad/one (0.00s)
    --- SKIP: TestBad/two (0.00s)
FAIL
FAIL	x/a	1.205s
=== RUN   TestFine
--- PASS: TestFine (0.00s)
PASS
ok  	x/b	0.003s
?   	x/c	[no test files]
`
	const want = `--- FAIL: TestBad (1.20s)
    a_test.go:5: first line
        second line
    a_test.go:8: third line
    --- FAIL: TestBad/one (0.00s)
    a_test.go:6: one is wrong
FAIL
FAIL	x/a	1.205s
ok  	x/b	0.003s

skipped: TestOther: no sun: install one
skipped: TestBad/two: no moon

tests: 2 passed, 2 failed, 2 skipped
`
	if printed, status := summarize(t, output+"go test ended with 1\n"); printed != want || status != 1 {
		t.Errorf("status %d, and printed:\n%s\nwant:\n%s", status, printed, want)
	}
	if _, status := summarize(t, "ok  \tx/b\t0.003s\ngo test ended with 0\n"); status != 0 {
		t.Errorf("status %d of tests that passed", status)
	}
	if _, status := summarize(t, "ok  \tx/b\t0.003s\n"); status == 0 {
		t.Error("status 0 of a go test that did not come to its end")
	}
}

// F43: what continuous integration and make run is in the repository.
func TestHouse_NothingBesideTheRepositoryIsNeeded(t *testing.T) {
	t.Parallel()
	for _, file := range []string{".ci/run", ".ci/summary.awk", "Makefile"} {
		if strings.Contains(text(t, file), "../") {
			t.Errorf("%s reaches out of the repository", file)
		}
	}
}
