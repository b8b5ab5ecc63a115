package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/bench/faults/drill"
)

// measured is what a run of a check gave, as bench/faults.json holds it by the check's number.
type measured struct {
	Figure string `json:"figure"`
	Date   string `json:"date"`   // 2026-01-31
	Result string `json:"result"` // "passes", or "fails: " and why
}

// record puts an outcome into a file and leaves the other checks as they are, and those that were skipped.
func record(file string, o drill.Outcome) error {
	all := map[string]measured{}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(text, &all); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for check, f := range o.Findings {
		if f.Skipped != "" {
			continue
		}
		all[strconv.Itoa(check)] = measured{Figure: f.Figure(), Date: time.Now().Format(time.DateOnly), Result: f.Result()}
	}
	if text, err = json.MarshalIndent(all, "", "\t"); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
