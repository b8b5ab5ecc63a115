package target

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Values are what is filled into a Template.
type Values struct {
	N, Topic, View, Index int
	Port, Port2           int
	Stamp, Sequence       int64
	Exp                   int64 // Unix seconds
	Token, Pad            string
	Certificate, Key      string // PEM files
	Payload               []byte
}

// Template is text with variables.
type Template struct{ pieces []piece }

// piece is plain text, and behind it the variable that follows; fill is nil for none.
type piece struct {
	plain string
	fill  func(dst []byte, w *Values) []byte
	name  string
}

// Parse reads a template. An unknown variable is an error.
func Parse(text string) (Template, error) {
	var t Template
	for {
		plain, rest, found := strings.Cut(text, "${")
		if !found {
			t.pieces = append(t.pieces, piece{plain: plain})
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return Template{}, fmt.Errorf("%q has no closing bracket behind ${", text)
		}
		fill, err := variable(name)
		if err != nil {
			return Template{}, err
		}
		t.pieces = append(t.pieces, piece{plain: plain, fill: fill, name: name})
		text = after
	}
}

// Append appends the text with w filled in.
func (t *Template) Append(dst []byte, w *Values) []byte {
	for i := range t.pieces {
		p := &t.pieces[i]
		dst = append(dst, p.plain...)
		if p.fill != nil {
			dst = p.fill(dst, w)
		}
	}
	return dst
}

// Fill is the text with w filled in.
func (t *Template) Fill(w *Values) string { return string(t.Append(nil, w)) }

// Has reports whether the template has a variable of this name.
func (t *Template) Has(name string) bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.name == name })
}

// Empty reports whether there is no text at all.
func (t *Template) Empty() bool {
	return len(t.pieces) == 0 || len(t.pieces) == 1 && t.pieces[0].plain == "" && t.pieces[0].fill == nil
}

// UnmarshalYAML reads a text from a string.
func (t *Template) UnmarshalYAML(decode func(any) error) error {
	var text string
	if err := decode(&text); err != nil {
		return err
	}
	parsed, err := Parse(text)
	*t = parsed
	return err
}

var variables = map[string]func(dst []byte, w *Values) []byte{
	"n":    func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(w.N), 10) },
	"user": func(dst []byte, w *Values) []byte { return strconv.AppendInt(append(dst, "user-"...), int64(w.N), 10) },
	"topic": func(dst []byte, w *Values) []byte {
		return strconv.AppendInt(append(dst, "topic-"...), int64(w.Topic), 10)
	},
	"view":        func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(w.View), 10) },
	"index":       func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(w.Index), 10) },
	"port":        func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(w.Port), 10) },
	"port2":       func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(w.Port2), 10) },
	"stamp":       func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, w.Stamp, 10) },
	"sequence":    func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, w.Sequence, 10) },
	"exp":         func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, w.Exp, 10) },
	"size":        func(dst []byte, w *Values) []byte { return strconv.AppendInt(dst, int64(len(w.Payload)), 10) },
	"token":       func(dst []byte, w *Values) []byte { return append(dst, w.Token...) },
	"pad":         func(dst []byte, w *Values) []byte { return append(dst, w.Pad...) },
	"certificate": func(dst []byte, w *Values) []byte { return append(dst, w.Certificate...) },
	"key":         func(dst []byte, w *Values) []byte { return append(dst, w.Key...) },
	"payload":     func(dst []byte, w *Values) []byte { return append(dst, w.Payload...) },
	"login_key":   func(dst []byte, _ *Values) []byte { return append(dst, LoginKey()...) },
}

// variable is what fills in the variable of this name.
func variable(name string) (func(dst []byte, w *Values) []byte, error) {
	if fill, ok := variables[name]; ok {
		return fill, nil
	}
	if name != "" && name == strings.ToUpper(name) {
		return func(dst []byte, _ *Values) []byte { return append(dst, os.Getenv(name)...) }, nil
	}
	return nil, fmt.Errorf("there is nothing called ${%s} to fill in", name)
}
