package terminal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

func TestPrinter_AlignsATableAndCleansItsCells(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out}
	err := p.Table([]string{"USER", "DIALECT"},
		[][]string{{"ä\x1b[31m", "notify"}, {"b", ""}, {"longer than all", "x"}})
	const want = "USER             DIALECT\nä\\x1b[31m        notify\nb\nlonger than all  x\n"
	if err != nil || out.String() != want {
		t.Errorf("%v, printed\n%swant\n%s", err, out.String(), want)
	}
}

func TestPrinter_HasColoursOnlyWhereTheyAreWanted(t *testing.T) {
	var out bytes.Buffer
	plain, coloured := &Printer{Out: &out}, &Printer{Out: &out, Coloured: true}
	if got := plain.Paint(Red, "no"); got != "no" {
		t.Errorf("%q", got)
	}
	if got := coloured.Paint(Red, "no\x1b"); got != "\x1b[31mno\\x1b\x1b[0m" {
		t.Errorf("%q", got)
	}
	if err := coloured.Table([]string{"A"}, nil); err != nil || out.String() != "\x1b[1mA\x1b[0m\n" {
		t.Errorf("%v %q", err, out.String())
	}
}

func TestPrinter_CleansAllTextOfALineButItsOwnColours(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out, Coloured: true}
	evil := "\x1b[2J"
	err := p.Line("%s %s %s %s %s %v", p.Paint(Green, "ok"), evil, []byte(evil), errors.New(evil), Colour(evil),
		struct{ n int }{1})
	const want = "\x1b[32mok\x1b[0m \\x1b[2J \\x1b[2J \\x1b[2J \\x1b[2J {1}\n"
	if err != nil || out.String() != want {
		t.Errorf("%v %q", err, out.String())
	}
}

func TestPrinter_PrintsJSONOneValueALine(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out, Scripted: true}
	err := errors.Join(p.Value(map[string]int{"n": 1}), p.Raw([]byte(" [2]\n")), p.Line("%s %d", "a\nb", 1))
	const want = "{\"n\":1}\n[2]\na\\nb 1\n"
	if err != nil || out.String() != want || !p.JSON() {
		t.Errorf("%v %q", err, out.String())
	}
	if p.Value(func() {}) == nil {
		t.Error("a function is no JSON")
	}
}

func TestColours_NeedATerminalAndNoObjection(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if Colours(f, func(string) string { return "" }) {
		t.Error("a file is no terminal")
	}
	if (Output{Output: "json"}).Printer(f).Coloured || !(Output{Output: "json"}).Printer(f).JSON() {
		t.Error("a printer for scripts has colours, or no JSON")
	}
}

func TestExit_IsWhatWentWrong(t *testing.T) {
	if err := error(&Exit{Status: 1}); err.Error() != "" || errors.Unwrap(err) != nil {
		t.Errorf("%q", err)
	}
	if err := error(&Exit{Status: 2, Err: io.EOF}); err.Error() != "EOF" || !errors.Is(err, io.EOF) {
		t.Errorf("%q", err)
	}
}
