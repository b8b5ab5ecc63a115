package conformance

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// request is an opening handshake (RFC 6455 section 4.1), in the order in which it is sent.
type request struct {
	method, path, version string
	lines                 []line
	chop                  int    // TCP pieces of so many bytes; 0 is one
	behind                []byte // sent in the packet of the request
}

type line struct{ name, value string }

// edit changes a request, mostly to break it.
type edit func(*request)

func (r *request) add(name, value string) { r.lines = append(r.lines, line{name, value}) }

func (r *request) value(name string) string {
	for _, l := range r.lines {
		if strings.EqualFold(l.name, name) {
			return strings.TrimSpace(l.value)
		}
	}
	return ""
}

// bytes is the request as it is sent, without behind.
func (r *request) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(r.method + " " + r.path + " " + r.version + "\r\n")
	for _, l := range r.lines {
		b.WriteString(l.name + ": " + l.value + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// response is the head of an answer to a request.
type response struct {
	status int
	header http.Header
}

// refused reports whether the server blames the client.
func (r *response) refused() bool { return r.status >= 400 && r.status < 500 }

// accepts checks a response in full (RFC 6455 section 4.2.2).
func (r *response) accepts(to *request) error {
	switch {
	case r.status != http.StatusSwitchingProtocols:
		return fail("handshake refused: HTTP %d", r.status)
	case !strings.EqualFold(r.header.Get("Upgrade"), "websocket"):
		return fail("101 without Upgrade: websocket")
	case !slices.ContainsFunc(list(r.header.Values("Connection")),
		func(s string) bool { return strings.EqualFold(s, "upgrade") }):
		return fail("101 without Connection: Upgrade")
	case r.header.Get("Sec-WebSocket-Accept") != acceptance(to.value("Sec-WebSocket-Key")):
		return fail("wrong Sec-WebSocket-Accept")
	}
	if chosen := r.header.Get("Sec-WebSocket-Protocol"); chosen != "" &&
		!slices.Contains(list([]string{to.value("Sec-WebSocket-Protocol")}), chosen) {
		return fail("the server chose the subprotocol %q, which was not offered", chosen)
	}
	if to.value("Sec-WebSocket-Extensions") == "" && r.header.Get("Sec-WebSocket-Extensions") != "" {
		return fail("the server turned on an extension that nobody offered: %q",
			r.header.Get("Sec-WebSocket-Extensions"))
	}
	return nil
}

func acceptance(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// list are the members of a header that may come in several lines.
func list(values []string) []string {
	all := strings.Split(strings.Join(values, ","), ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// Edits.

func set(name, value string) edit {
	return func(r *request) {
		for i := range r.lines {
			if r.lines[i].name == name {
				r.lines[i].value = value
			}
		}
	}
}

func without(name string) edit {
	return func(r *request) {
		r.lines = slices.DeleteFunc(r.lines, func(l line) bool { return l.name == name })
	}
}

func also(name, value string) edit { return func(r *request) { r.add(name, value) } }

func each(change func(line) line) edit {
	return func(r *request) {
		for i := range r.lines {
			r.lines[i] = change(r.lines[i])
		}
	}
}

func method(name string) edit {
	return func(r *request) { r.method = name; r.add("Content-Length", "0") }
}
func httpVersion(v string) edit    { return func(r *request) { r.version = v } }
func inPieces(size int) edit       { return func(r *request) { r.chop = size } }
func with(frames ...frame) edit    { return func(r *request) { r.behind = bytesOf(frames...) } }
func extensions(value string) edit { return also("Sec-WebSocket-Extensions", value) }
