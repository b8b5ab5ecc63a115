// Package figure holds what a measurement found, beside what it had to find: printed as lines, or written as JSON for
// whoever collects the figures of many measurements.
package figure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Figure is one number.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is what Value may be at most; nil is none.
	Goal *float64 `json:"goal,omitempty"`
	// Met says whether it is; nil without a goal.
	Met *bool `json:"met,omitempty"`
}

// Sheet is what one measurement found, in order.
type Sheet struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`

	out io.Writer
}

// New makes a sheet whose figures are printed as they come.
func New(name string, out io.Writer) *Sheet { return &Sheet{Name: name, Figures: []Figure{}, out: out} }

// Add notes a figure.
func (s *Sheet) Add(name string, value float64, unit string) {
	s.add(Figure{Name: name, Value: value, Unit: unit})
}

// Hold notes a figure that may be goal at most.
func (s *Sheet) Hold(name string, value float64, unit string, goal float64) {
	met := value <= goal
	s.add(Figure{name, value, unit, &goal, &met})
}

func (s *Sheet) add(f Figure) {
	s.Figures = append(s.Figures, f)
	line := fmt.Sprintf("%-62s %14s %s", f.Name, short(f.Value), f.Unit)
	if f.Goal != nil {
		verdict := "met"
		if !*f.Met {
			verdict = "MISSED"
		}
		line += fmt.Sprintf("  (goal: at most %s; %s)", short(*f.Goal), verdict)
	}
	fmt.Fprintln(s.out, line)
}

// short writes a number with three digits that count, and whole ones whole.
func short(v float64) string {
	if v >= 100 || v == float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Write writes the sheet as JSON to a file; "" is none.
func (s *Sheet) Write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
