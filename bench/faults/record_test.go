package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-realtime/parley/bench/faults/drill"
)

func TestRecord_LeavesTheOtherChecksAsTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte(`{"7":{"figure":"f","date":"2026-01-31","result":"passes"},"8":{"figure":"old","date":"2026-01-31","result":"passes"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	outcome := drill.Outcome{Findings: map[int]*drill.Finding{
		8: {Figures: []string{"3 | of", "4\nlines"}},
		9: {Failures: []string{"too slow", "too large"}},
		7: {Skipped: "no root"},
	}}
	if err := record(file, outcome); err != nil {
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
	if got := all["7"]; got != (measured{"f", "2026-01-31", "passes"}) {
		t.Errorf("check 7 is %+v", got)
	}
	if got := all["8"]; got.Figure != "3 / of; 4 lines" || got.Result != "passes" || got.Date == "2026-01-31" {
		t.Errorf("check 8 is %+v", got)
	}
	if got := all["9"]; got.Figure != "nothing measured" || got.Result != "fails: too slow (and 1 more)" {
		t.Errorf("check 9 is %+v", got)
	}
}

func TestRecord_RefusesAFileThatIsNotItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := record(file, drill.Outcome{}); err == nil {
		t.Error("nonsense was written over")
	}
}
