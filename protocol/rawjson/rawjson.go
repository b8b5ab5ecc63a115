// Package rawjson reads JSON without making values of it: a member of an object, or an element of an array, stays the
// bytes that a client or a backend sent, so that it is passed on as it came.
//
// It promises that nothing in it panics on input that [Check] has passed, that [ReadObject] and [ReadArray] panic on no
// input, and that nothing is changed or kept: what it returns are parts of the data that it was handed.
//
// It asks that the functions whose parameter is called checked, object or array get what Check has passed.
//
// It reads with go-json-experiment's jsontext (what encoding/json/v2 is made of) and not with encoding/json, because
// that refuses duplicate names and invalid UTF-8, which would otherwise reach a client and close its socket.
//
// It does not know events or dialects.
package rawjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one name and value of a JSON object. Value is raw, valid JSON.
type Member struct {
	Name  string
	Value []byte
}

// MaxDepth is how many arrays and objects a JSON value may have in one another. The limit is for those who get it: some
// of them read JSON recursively.
const MaxDepth = 64

// The errors for JSON values that are not read.
var (
	// ErrNotObject is for JSON that is valid but no object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrTooDeep is for data that nests deeper than MaxDepth, whether or not the rest of it is JSON.
	ErrTooDeep = fmt.Errorf("nests deeper than %d arrays and objects", MaxDepth)
)

// Check returns why data is not one strict JSON value, or nil: one value and nothing behind it, valid UTF-8, no name
// twice at any depth, at most MaxDepth deep. For empty data it returns io.EOF. A value that has passed it, and each
// value inside, is for Split and Elements.
func Check(data []byte) error {
	if deeper(data, MaxDepth) {
		return ErrTooDeep
	}
	if jsontext.Value(data).IsValid() {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data)) // finds the same again, and says where
	if _, err := dec.ReadValue(); err != nil {
		return err
	}
	if _, err := dec.ReadToken(); err != nil && err != io.EOF {
		return err
	}
	return errors.New("something follows the JSON value")
}

// deeper counts brackets outside of strings. It does not check whether the rest is JSON.
func deeper(data []byte, limit int) bool {
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= limit {
		return false // the usual case, and much faster than to look at each byte
	}
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// ReadObject splits a JSON object into its members, in their order, as strictly as Check says. The values are parts of
// data, not copies.
func ReadObject(data []byte) ([]Member, error) {
	if err := Check(data); err != nil {
		return nil, err
	}
	if !IsObject(data) {
		return nil, ErrNotObject
	}
	return Split(make([]Member, 0, 4), data, nil), nil
}

// ReadArray splits a JSON array into its raw elements, as strictly as ReadObject. ok is false if data is no valid
// array.
func ReadArray(data []byte) (elements [][]byte, ok bool) {
	if Check(data) != nil {
		return nil, false
	}
	return Elements(data)
}

// Find returns the value of the named member, nil if there is none.
func Find(members []Member, name string) []byte {
	for i := range members {
		if members[i].Name == name {
			return members[i].Value
		}
	}
	return nil
}

// Text returns what a JSON string says. ok is false if raw is no string.
func Text(raw []byte) (text string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	text2, err := jsontext.AppendUnquote(nil, raw)
	return string(text2), err == nil
}

// Scalar returns the canonical text of a JSON string, number, true or false, so that 1 and "1" are the same device.
// ok is false for null, objects, arrays and nothing.
func Scalar(raw []byte) (text string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '"':
		return Text(raw)
	case '{', '[', 'n':
		return "", false
	}
	return string(raw), true
}

// AppendText appends text as a JSON string. Only what JSON demands is escaped: <, > and & stay as they are.
// Invalid UTF-8 becomes U+FFFD.
func AppendText(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}
