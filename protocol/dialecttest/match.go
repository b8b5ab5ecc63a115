package dialecttest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// more is what "..." becomes inside a pattern, so that the rest is plain JSON.
const more = "\x7f..."

// Match says how got differs from the pattern, or nil.
func Match(pattern string, got []byte) error { return matcher{}.match(pattern, got) }

// matcher holds what the groups of ${match REGEXP} that have a name caught last.
type matcher map[string]string

// match says how got differs from the pattern, or nil.
func (m matcher) match(pattern string, got []byte) error {
	want, err := expand(pattern)
	if err != nil {
		return err
	}
	if _, err := rawjson.ReadObject(got); err != nil && !errors.Is(err, rawjson.ErrNotObject) {
		return fmt.Errorf("it is no valid JSON: %w", err)
	}
	return m.matchValue("", want, bytes.TrimSpace(got))
}

func checkPattern(pattern string) error {
	want, err := expand(pattern)
	if err != nil {
		return err
	}
	if _, err := rawjson.ReadObject(want); err != nil && !errors.Is(err, rawjson.ErrNotObject) {
		return fmt.Errorf("the pattern is no valid JSON: %w", err)
	}
	return nil
}

// expand makes JSON of a pattern.
func expand(pattern string) ([]byte, error) {
	var out, open []byte
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '"':
			end := i + 1
			for end < len(pattern) && pattern[end] != '"' {
				if pattern[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(pattern) {
				return nil, fmt.Errorf("a string in the pattern does not end")
			}
			out = append(out, pattern[i:end+1]...)
			i = end
		case c == '{' || c == '[':
			out, open = append(out, c), append(open, c)
		case (c == '}' || c == ']') && len(open) > 0:
			out, open = append(out, c), open[:len(open)-1]
		case strings.HasPrefix(pattern[i:], "...") && len(open) > 0:
			out = rawjson.AppendText(out, more)
			if open[len(open)-1] == '{' {
				out = append(out, ":0"...)
			}
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out, nil
}

func (m matcher) matchValue(at string, want, got []byte) error {
	switch want[0] {
	case '{':
		return m.matchObject(at, want, got)
	case '[':
		return m.matchArray(at, want, got)
	case '"':
		text, _ := rawjson.Text(want)
		return m.matchText(at, text, got)
	}
	if string(want) != string(got) {
		return fmt.Errorf("%s is %s, not %s", place(at), got, want)
	}
	return nil
}

func (m matcher) matchObject(at string, want, got []byte) error {
	wanted, err := rawjson.ReadObject(want)
	if err != nil {
		return err
	}
	members, err := rawjson.ReadObject(got)
	if err != nil {
		return fmt.Errorf("%s is %s, not an object", place(at), got)
	}
	open := false
	for _, w := range wanted {
		if w.Name == more {
			open = true
			continue
		}
		value := rawjson.Find(members, w.Name)
		if value == nil {
			return fmt.Errorf("%s is missing", place(at+"."+w.Name))
		}
		if err := m.matchValue(at+"."+w.Name, w.Value, value); err != nil {
			return err
		}
	}
	for _, g := range members {
		if !open && rawjson.Find(wanted, g.Name) == nil {
			return fmt.Errorf("%s is there, with %s, and should not be", place(at+"."+g.Name), g.Value)
		}
	}
	return nil
}

func (m matcher) matchArray(at string, want, got []byte) error {
	wanted, _ := rawjson.ReadArray(want)
	elements, ok := rawjson.ReadArray(got)
	if !ok {
		return fmt.Errorf("%s is %s, not an array", place(at), got)
	}
	for i, w := range wanted {
		if text, _ := rawjson.Text(w); text == more {
			return nil
		}
		if i >= len(elements) {
			return fmt.Errorf("%s has %d elements, not %d", place(at), len(elements), len(wanted))
		}
		if err := m.matchValue(fmt.Sprintf("%s[%d]", at, i), w, elements[i]); err != nil {
			return err
		}
	}
	if len(elements) > len(wanted) {
		return fmt.Errorf("%s has %d elements, not %d", place(at), len(elements), len(wanted))
	}
	return nil
}

var (
	number = regexp.MustCompile(`^-?[0-9]`)
	unix   = regexp.MustCompile(`^[0-9]{9,11}\.[0-9]+$`)
)

func (m matcher) matchText(at, want string, got []byte) error {
	text, isText := rawjson.Text(got)
	ok := false
	switch placeholder(want) {
	case "any":
		ok = true
	case "string":
		ok = isText
	case "number":
		ok = number.Match(got)
	case "unix":
		ok = unix.Match(got)
	case "timestamp":
		_, err := time.Parse(time.RFC3339Nano, text)
		ok = isText && err == nil && strings.HasSuffix(text, "Z")
	case "match":
		exp, err := regexp.Compile(strings.TrimSuffix(strings.TrimPrefix(want, "${match "), "}"))
		if err != nil {
			return err
		}
		ok = isText && m.catch(exp, text)
	default:
		ok = isText && text == want
	}
	if !ok {
		return fmt.Errorf("%s is %s, not %s", place(at), got, want)
	}
	return nil
}

// catch reports whether a text matches, and keeps what the groups with names have caught.
func (m matcher) catch(exp *regexp.Regexp, text string) bool {
	found := exp.FindStringSubmatch(text)
	for i, name := range exp.SubexpNames() {
		if found != nil && name != "" {
			m[name] = found[i]
		}
	}
	return found != nil
}

// placeholder is the first word inside ${...}, "" if text is none.
func placeholder(text string) string {
	inner, ok := strings.CutPrefix(text, "${")
	if !ok || !strings.HasSuffix(inner, "}") {
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimSuffix(inner, "}"), " ")
	return word
}

func place(at string) string {
	if at == "" {
		return "the whole"
	}
	return strings.TrimPrefix(at, ".")
}
