package report

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/parley-realtime/parley/bench/run"
)

// panel is what a diagram of the picture shows.
type panel struct {
	name   string
	figure run.Figure
}

// panels are what the picture shows, row by row.
var panels = [][]panel{
	{{"fan-1000", run.Processor}, {"fan-9000", run.Processor}, {"full-1000", run.Processor}},
	{{"fan-1000", run.Tail}, {"fan-9000", run.Tail}, {"full-1000", run.Tail}},
	{{"full-1000", run.Deliveries}, {"publish-8", run.Publishes}, {"idle", run.Memory}},
}

var (
	ours   = color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	theirs = color.RGBA{R: 0xb0, G: 0xb7, B: 0xbf, A: 0xff}
)

// The picture's size.
const (
	width  = 36 * vg.Centimeter
	height = 24 * vg.Centimeter
)

// arrange draws the plots side by side on white.
func arrange(canvas draw.Canvas, plots [][]*plot.Plot) {
	canvas.SetColor(color.White)
	canvas.Fill(canvas.Rectangle.Path())
	tiles := draw.Tiles{Rows: len(panels), Cols: len(panels[0]), PadTop: vg.Points(6), PadBottom: vg.Points(6),
		PadLeft: vg.Points(6), PadRight: vg.Points(16), PadX: vg.Points(24), PadY: vg.Points(18)}
	for i, line := range plot.Align(plots, tiles, canvas) {
		for j, place := range line {
			plots[i][j].Draw(place)
		}
	}
}

// plot draws the diagram: a bar per target, Parley's at the top and in a colour of its own.
func (s panel) plot(r *Report) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s, %s (%s)", s.name, s.figure, better(s.figure))
	var names []string
	var values plotter.Values
	for _, target := range slices.Backward(r.Targets) {
		if m := r.find(s.name, target.Name); m != nil && m.Failed < m.Runs {
			names, values = append(names, target.Name), append(values, m.Figures[s.figure])
		}
	}
	if len(names) == 0 {
		p.Title.Text += ": not measured"
		p.HideAxes()
		return p, nil
	}
	for i := range values {
		bar, err := plotter.NewBarChart(values[i:i+1], vg.Points(14))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, float64(i), 0, theirs
		if names[i] == Subject {
			bar.Color = ours
		}
		p.Add(bar)
		names[i] = fmt.Sprintf("%s  %s", names[i], format(values[i]))
	}
	p.NominalY(names...)
	p.X.Min, p.Title.Padding = 0, vg.Points(6)
	p.HideX() // the names have the values
	return p, nil
}

// better says which way a figure is better.
func better(figure run.Figure) string {
	for _, f := range run.Figures {
		if f.Name == figure && f.More {
			return "more is better"
		}
	}
	return "less is better"
}
