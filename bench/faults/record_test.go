package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-realtime/parley/bench/faults/scenario"
)

func TestRecord_LeavesTheOtherChecksAsTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte(`{"7":{"figure":"f","date":"2026-01-31","result":"passes"},`+
		`"8":{"figure":"old","date":"2026-01-31","result":"passes"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	outcome := scenario.Outcome{Findings: map[int]*scenario.Finding{
		8: {Figures: []string{"3 | of", "4\nlines"}},
		9: {Failures: []string{"too slow", "too large"}},
		7: {Skipped: "no root"},
	}}
	if err := record(file, outcome, "0123456789ab"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]measured{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if got := all["7"]; got != (measured{"f", "2026-01-31", "", "passes"}) {
		t.Errorf("check 7 is %+v", got)
	}
	if got := all["8"]; got.Figure != "3 / of; 4 lines" || got.Result != "passes" || got.Date == "2026-01-31" ||
		got.Commit != "0123456789ab" {
		t.Errorf("check 8 is %+v", got)
	}
	if got := all["9"]; got.Figure != "nothing measured" || got.Result != "fails: too slow (and 1 more)" {
		t.Errorf("check 9 is %+v", got)
	}
}

// F48: a figure names the commit that it was measured at, and one that nobody can check out has none.
func TestCommit_IsThatOfTheServerAndOneThatEverybodyHas(t *testing.T) {
	for said, want := range map[string]string{
		"parley e3105b6 e3105b6f0a1b go1.26\n":                         "e3105b6f0a1b",
		"parley dev e3105b6f0a1b2c3d4e5f60718293a4b5c6d7e8f9 go1.26\n": "e3105b6f0a1b",
		"parley e3105b6-dirty e3105b6f0a1b go1.26\n":                   "",
		"parley dev unknown go1.26\n":                                  "",
		"something else":                                               "",
	} {
		if got, err := commitIn(said); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", said, got, err, want)
		}
	}
}

func TestRecord_RefusesAFileThatIsNotItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := record(file, scenario.Outcome{}, "0123456789ab"); err == nil {
		t.Error("nonsense was written over")
	}
}
