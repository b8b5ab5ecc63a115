package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Write writes the report into dir as name.json and name.svg.
func (r *Report) Write(dir, name string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := r.Picture(&picture); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".svg"), picture.Bytes(), 0o644)
}

// Table writes the report for a person.
func (r *Report) Table(w io.Writer) error {
	t := table{report: r}
	t.head()
	for _, c := range r.Cases {
		t.block(c)
	}
	t.goals()
	t.failures()
	_, err := io.WriteString(w, t.out.String())
	return err
}

// Picture writes the medians as bars, as SVG.
func (r *Report) Picture(w io.Writer) error {
	var plots [][]*plot.Plot
	for _, row := range panels {
		var line []*plot.Plot
		for _, panel := range row {
			p, err := panel.plot(r)
			if err != nil {
				return fmt.Errorf("the picture of %s in %s: %w", panel.figure, panel.name, err)
			}
			line = append(line, p)
		}
		plots = append(plots, line)
	}
	canvas := vgsvg.New(width, height)
	arrange(draw.New(canvas), plots)
	_, err := canvas.WriteTo(w)
	return err
}
