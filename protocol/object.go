package protocol

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one name and value of a JSON object. Value is raw, valid JSON.
type Member struct {
	Name  string
	Value []byte
}

// ErrNotObject is what ReadObject returns for JSON that is valid but no object.
var ErrNotObject = errors.New("not a JSON object")

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewReader(nil)) }}

// ReadObject splits a JSON object into its members, in their order. It is strict: one object and nothing behind it,
// valid UTF-8, no name twice at any depth. The values are parts of data, not copies.
func ReadObject(data []byte) ([]Member, error) {
	dec := decoders.Get().(*jsontext.Decoder)
	defer func() {
		dec.Reset(bytes.NewReader(nil))
		decoders.Put(dec)
	}()
	dec.Reset(bytes.NewReader(data))
	if dec.PeekKind() != '{' {
		if _, err := dec.ReadValue(); err != nil {
			return nil, err
		}
		return nil, ErrNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var members []Member
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		member := Member{Name: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		end := dec.InputOffset()
		member.Value = data[end-int64(len(value)) : end : end]
		members = append(members, member)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		if err == nil {
			err = errors.New("something follows the JSON object")
		}
		return nil, err
	}
	return members, nil
}

// ReadArray splits a JSON array into its raw elements, as strictly as ReadObject. ok is false if data is no valid array.
func ReadArray(data []byte) (elements [][]byte, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	if dec.PeekKind() != '[' {
		return nil, false
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		end := dec.InputOffset()
		elements = append(elements, data[end-int64(len(value)):end:end])
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	_, err := dec.ReadToken()
	return elements, err == io.EOF
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
