package fastpath

import "bytes"

// maxBody is the largest body that the fast path takes, in bytes: the largest that net/http reads away when a handler
// leaves it.
const maxBody = 256<<10 - 1

// requestHead is what the fast path reads of a request's head.
type requestHead struct {
	route         *Route
	hosts         int
	contentLength int  // in bytes; -1 before it is known
	size          int  // of the head, in bytes
	last          bool // the client asks to close the connection behind the response
	// The headers that say who calls; nil if there is none.
	authorization, apiKey []byte
}

// parseHead parses the head that text begins with. ok is false if the head is incomplete, or if anything in it is for
// net/http to judge.
func parseHead(text []byte, routes []Route) (h requestHead, ok bool) {
	end := bytes.Index(text, []byte("\r\n\r\n"))
	if end < 0 {
		return h, false
	}
	h.size, h.contentLength = end+4, -1
	line, rest, _ := bytes.Cut(text[:end+2], []byte("\r\n"))
	if h.route = findRoute(line, routes); h.route == nil {
		return h, false
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !all(name, inName) || !all(value, inValue) || !h.addHeader(name, bytes.Trim(value, " \t")) {
			return h, false
		}
	}
	return h, h.hosts == 1 && h.contentLength >= 0
}

// findRoute finds the route of a request line, nil if there is none.
func findRoute(line []byte, routes []Route) *Route {
	line, post := bytes.CutPrefix(line, []byte("POST "))
	line, version := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	for i := range routes {
		if post && version && string(line) == routes[i].Path {
			return &routes[i]
		}
	}
	return nil
}

// addHeader notes a header. It reports false if that one is for net/http to judge.
func (h *requestHead) addHeader(name, value []byte) bool {
	switch {
	case equalFold(name, "host"):
		h.hosts++
		return all(value, inHost)
	case equalFold(name, "content-length"):
		ok := h.contentLength < 0
		h.contentLength = parseContentLength(value)
		return ok && h.contentLength >= 0
	case equalFold(name, "authorization"):
		ok := h.authorization == nil
		h.authorization = value
		return ok && len(value) > 0
	case equalFold(name, "x-api-key"):
		ok := h.apiKey == nil
		h.apiKey = value
		return ok && len(value) > 0
	case equalFold(name, "connection"):
		closes := equalFold(value, "close")
		h.last = h.last || closes
		return closes || equalFold(value, "keep-alive")
	}
	for _, other := range [...]string{"transfer-encoding", "expect", "upgrade", "trailer", "te", "http2-settings"} {
		if equalFold(name, other) {
			return false
		}
	}
	return true
}

// parseContentLength reads a Content-Length; -1 is one that is for net/http to judge.
func parseContentLength(text []byte) int {
	if len(text) == 0 || len(text) > 6 || !all(text, inNumber) {
		return -1
	}
	n := 0
	for _, c := range text {
		n = 10*n + int(c-'0')
	}
	if n > maxBody {
		return -1
	}
	return n
}

// equalFold reports whether text is a word that is given in lower case, whatever its own case.
func equalFold(text []byte, lower string) bool {
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

// The parts of a head that a byte may stand in, as flags.
const (
	inName   = 1 << iota // a header's name
	inValue              // a header's value
	inHost               // a host with its port
	inNumber             // a Content-Length
)

var charTable = func() (table [256]byte) {
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

// all reports whether every byte of a text that is not empty may be part of what.
func all(text []byte, what byte) bool {
	for _, c := range text {
		if charTable[c]&what == 0 {
			return false
		}
	}
	return len(text) > 0
}
