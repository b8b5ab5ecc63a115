package api

import "bytes"

// longest is the largest body that takes the shortcut, in bytes.
const longest = 256 << 10

// head is what the shortcut needs to know of a request's head.
type head struct {
	lane   *lane
	hosts  int
	length int // of the body, in bytes; -1 before it is known
	size   int // of the head, in bytes
	// What the headers say of who calls; nil if there is none.
	authorization, key []byte
}

// readHead reads the head that text begins with. ok is false if anything in it is not as the shortcut wants it, or if it
// is not all there.
func readHead(text []byte, doors []lane) (h head, ok bool) {
	end := bytes.Index(text, []byte("\r\n\r\n"))
	if end < 0 {
		return h, false
	}
	h.size, h.length = end+4, -1
	line, rest, _ := bytes.Cut(text[:end+2], []byte("\r\n"))
	if h.lane = called(line, doors); h.lane == nil {
		return h, false
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !all(name, inName) || !all(value, inValue) || !h.take(name, bytes.Trim(value, " \t")) {
			return h, false
		}
	}
	return h, h.hosts == 1 && h.length >= 0
}

// called finds the door by the request line.
func called(line []byte, doors []lane) *lane {
	line, post := bytes.CutPrefix(line, []byte("POST "))
	line, version := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	for i := range doors {
		if post && version && string(line) == doors[i].path {
			return &doors[i]
		}
	}
	return nil
}

// take notes a header. It reports false if that one is for net/http.
func (h *head) take(name, value []byte) bool {
	switch {
	case is(name, "host"):
		h.hosts++
		return all(value, inHost)
	case is(name, "content-length"):
		ok := h.length < 0
		h.length = lengthOf(value)
		return ok && h.length >= 0
	case is(name, "authorization"):
		ok := h.authorization == nil
		h.authorization = value
		return ok && len(value) > 0
	case is(name, "x-api-key"):
		ok := h.key == nil
		h.key = value
		return ok && len(value) > 0
	case is(name, "connection"):
		return is(value, "keep-alive")
	}
	for _, other := range [...]string{"transfer-encoding", "expect", "upgrade", "trailer", "te", "http2-settings"} {
		if is(name, other) {
			return false
		}
	}
	return true
}

// lengthOf reads a Content-Length; -1 is one that is not for the shortcut.
func lengthOf(text []byte) int {
	if len(text) == 0 || len(text) > 6 || !all(text, inNumber) {
		return -1
	}
	n := 0
	for _, c := range text {
		n = 10*n + int(c-'0')
	}
	if n > longest {
		return -1
	}
	return n
}

// is compares a name, or a value that was looked at, with one in lower case.
func is(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if c != lower[i] && (c < 'A' || c > 'Z' || c|0x20 != lower[i]) {
			return false
		}
	}
	return true
}

// What a byte may be part of.
const (
	inName   = 1 << iota // a header's name
	inValue              // a header's value
	inHost               // a host with its port
	inNumber             // a Content-Length
)

var partOf = func() (table [256]byte) {
	mark := func(chars string, as byte) {
		for _, c := range []byte(chars) {
			table[c] |= as
		}
	}
	const digits, letters = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	mark(digits, inName|inHost|inNumber)
	mark(letters, inName|inHost)
	mark("!#$%&'*+-.^_`|~", inName)
	mark(".-_:[]", inHost)
	for c := range table {
		if c >= ' ' && c != 0x7f || c == '\t' {
			table[c] |= inValue
		}
	}
	return table
}()

// all reports whether all bytes of text may be part of something; of an empty text none is.
func all(text []byte, what byte) bool {
	for _, c := range text {
		if partOf[c]&what == 0 {
			return false
		}
	}
	return len(text) > 0
}
