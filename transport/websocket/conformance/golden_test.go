package conformance

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/cases.golden anew")

// A case that is lost, or a number that has another case now, shows here.
func TestCases_NoneIsLostAndNumbersStay(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, c := range Cases() {
		needs := ""
		if c.Echo {
			needs += " [echo]"
		}
		if c.Slow {
			needs += " [slow]"
		}
		fmt.Fprintf(&b, "%s | %s | %s%s\n", c.ID, c.Section, c.Title, needs)
	}
	const golden = "testdata/cases.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wanted, got := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	if len(wanted) < 749 {
		t.Fatalf("%s has %d cases", golden, len(wanted))
	}
	for i := range max(len(wanted), len(got)) {
		line := func(all []string) string {
			if i < len(all) {
				return all[i]
			}
			return "nothing"
		}
		if line(wanted) != line(got) {
			t.Fatalf("line %d of %s: want %q, have %q; -update writes it anew", i+1, golden, line(wanted), line(got))
		}
	}
}

func TestCases_EachHasAnIDOfItsOwnASectionAndATitle(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.ID] || c.Group == "" || c.Title == "" || !strings.HasPrefix(c.Section, "RFC ") {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
	}
}
