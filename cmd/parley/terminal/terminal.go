// Package terminal is how commands print, and with which status they end.
//
// A command prints text for people or JSON for scripts, by its flag --output. Text has colours on a terminal alone, and
// none with NO_COLOR or TERM=dumb. Each cell and value of text is cleaned of control characters, since servers and
// their clients have sent it, and cut after [logline.MaxValue] bytes.
package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// Output is the flag that commands embed to print in either form.
type Output struct {
	Output string `default:"text" enum:"text,json" help:"Print text for people, or JSON for scripts (${default})."`
}

// Printer makes a command's printer.
func (o Output) Printer(out *os.File) *Printer {
	return &Printer{Out: out, Scripted: o.Output == "json", Coloured: Colours(out, os.Getenv)}
}

// Colours reports whether an output wants colours: it is a terminal, and the environment does not object
// (https://no-color.org).
func Colours(out *os.File, getenv func(string) string) bool {
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && isatty.IsTerminal(out.Fd())
}

// Printer prints what a command has to say. One goroutine owns it.
type Printer struct {
	Out io.Writer
	// Scripted is for JSON, one value a line; Coloured is for text with colours.
	Scripted, Coloured bool
}

// JSON reports whether a script reads the output.
func (p *Printer) JSON() bool { return p.Scripted }

// Value prints a value as one line of JSON.
func (p *Printer) Value(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.Raw(line)
}

// Raw prints JSON as one line.
func (p *Printer) Raw(text []byte) error {
	_, err := fmt.Fprintf(p.Out, "%s\n", bytes.TrimSpace(text))
	return err
}

// Line prints a line of text. Values that are text, but for Painted ones, are cleaned.
func (p *Printer) Line(format string, values ...any) error {
	for i, v := range values {
		values[i] = clean(v)
	}
	_, err := fmt.Fprintf(p.Out, format+"\n", values...)
	return err
}

// clean is a value without control characters.
func clean(v any) any {
	switch v := v.(type) {
	case Painted:
		return string(v)
	case error:
		return logline.Clean(v.Error())
	case fmt.Stringer:
		return logline.Clean(v.String())
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return logline.Clean(r.String())
	case r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8:
		return logline.Clean(string(r.Bytes()))
	}
	return v
}

// Colour is one of the few that say something: red for what is wrong, yellow for a doubt, green for what is well.
type Colour string

// The colours, as numbers of SGR (ECMA-48).
const (
	Bold   Colour = "1"
	Dim    Colour = "2"
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
)

// Painted is clean text, perhaps in a colour.
type Painted string

// Paint cleans text, and colours it if the output wants colours.
func (p *Printer) Paint(c Colour, text string) Painted {
	if text = logline.Clean(text); !p.Coloured || text == "" {
		return Painted(text)
	}
	return Painted("\x1b[" + string(c) + "m" + text + "\x1b[0m")
}

// Table prints rows below a header, in columns that are as wide as they must be. The last column is not padded.
func (p *Printer) Table(header []string, rows [][]string) error {
	cells := append([][]string{slices.Clone(header)}, rows...)
	var widths []int
	for i := range cells {
		cells[i] = slices.Clone(cells[i])
		for j, cell := range cells[i] {
			cells[i][j] = logline.Clean(cell)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(cells[i][j]))
		}
	}
	var table bytes.Buffer
	for i, row := range cells {
		text := padded(row, widths)
		if i == 0 {
			text = string(p.Paint(Bold, text))
		}
		fmt.Fprintln(&table, text)
	}
	_, err := p.Out.Write(table.Bytes())
	return err
}

// padded is a row in columns of some widths, in characters.
func padded(row []string, widths []int) string {
	var line strings.Builder
	for i, cell := range row {
		line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
	}
	return strings.TrimRight(line.String(), " ")
}
