package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/faults/scenario"
)

// measured is what a run of a check gave, as bench/faults.json holds it by the check's number.
type measured struct {
	Figure string `json:"figure"`
	Date   string `json:"date"`   // 2026-01-31
	Commit string `json:"commit"` // of the server, 12 digits
	Result string `json:"result"` // "passes", or "fails: " and why
}

// built matches the output of parley version: parley, its version, its commit, and that of Go. A dirty version was
// built from changes that are in no commit.
var built = regexp.MustCompile(`^parley (\S+) ([0-9a-f]{12})[0-9a-f]* `)

// commitOf is the commit that a server was built from.
func commitOf(ctx context.Context, binary string) (string, error) {
	said, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", binary, err)
	}
	return commitIn(string(said))
}

func commitIn(said string) (string, error) {
	found := built.FindStringSubmatch(said)
	if found == nil || strings.HasSuffix(found[1], "-dirty") {
		return "", fmt.Errorf("what a server measures that no commit has made cannot be recorded; commit, and make "+
			"build: it says %q", said)
	}
	return found[2], nil
}

// record puts an outcome into a file and leaves the other checks as they are, and those that were skipped.
func record(file string, o scenario.Outcome, commit string) error {
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
		all[strconv.Itoa(check)] = measured{Figure: f.Figure(), Date: time.Now().Format(time.DateOnly), Commit: commit,
			Result: f.Result()}
	}
	if text, err = json.MarshalIndent(all, "", "\t"); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
