package conformance

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Group 0: the opening handshake (RFC 6455 section 4), and clients that abuse it.
func handshakes(c *collection) {
	g := c.group("0", "opening handshake", "RFC 6455 4.2.1")
	goodHandshakes(g)
	badHandshakes(g)

	g.section = "RFC 6455 10"
	g.add("one header of 8 MiB is refused", flood(oneLine))
	g.add("header lines adding up to 8 MiB are refused", flood(manyLines))
	half := "GET / HTTP/1.1\r\nHost: x\r\n"
	g.add("silent connection is closed", stall("", "")).Slow = true
	g.add("half a request, then silence, is closed", stall(half, "")).Slow = true
	g.add("endless slow header drip is closed", stall(half+"X-Drip: ", "a")).Slow = true

	g.section = "RFC 6455 4.1"
	g.add("frame sent in the same packet as the request is answered or refused, not lost", early)
}

func goodHandshakes(g *group) {
	g.add("plain handshake", works())
	g.add("header names in lower case",
		works(each(func(l line) line { return line{strings.ToLower(l.name), l.value} })))
	g.add("header names in upper case",
		works(each(func(l line) line { return line{strings.ToUpper(l.name), l.value} })))
	g.add("Upgrade: WebSocket (mixed case)", works(set("Upgrade", "WebSocket")))
	g.add("Connection: keep-alive, Upgrade", works(set("Connection", "keep-alive, Upgrade")))
	g.add("Connection: upgrade (lower case)", works(set("Connection", "upgrade")))
	g.add("Connection in two header lines", works(set("Connection", "keep-alive"), also("Connection", "Upgrade")))
	g.add("header values padded with spaces and tabs",
		works(each(func(l line) line { return line{l.name, "  \t" + l.value + " \t "} })))
	g.add("request sent one byte at a time", works(inPieces(1)))
	g.add("unknown extra headers", works(also("X-Whatever", "1"), also("Cookie", "a=b; c=d"), also("DNT", "1")))
	g.section = "RFC 6455 9.1"
	g.add("unknown extension offered", works(extensions("x-frobnicate; level=3")))
	g.add("unknown extensions are not accepted", none(extensions("x-frobnicate, x-other; a=1")))
	g.section = "RFC 6455 4.2.2"
	g.add("no subprotocol is selected that was not offered", works())
}

func badHandshakes(g *group) {
	const key, version = "Sec-WebSocket-Key", "Sec-WebSocket-Version"
	g.section = "RFC 6455 4.2.1"
	g.add("no Sec-WebSocket-Key", refused(without(key)))
	g.add("empty Sec-WebSocket-Key", refused(set(key, "")))
	g.add("Sec-WebSocket-Key of 8 bytes", refused(set(key, "MTIzNDU2Nzg=")))
	g.add("Sec-WebSocket-Key that is not base64", refused(set(key, "!!!not*base64!!!!!!!!!==")))
	g.add("no Upgrade header", refused(without("Upgrade")))
	g.add("Upgrade: h2c", refused(set("Upgrade", "h2c")))
	g.add("no Connection header", refused(without("Connection")))
	g.add("Connection: close", refused(set("Connection", "close")))
	g.section = "RFC 6455 4.4"
	g.add("no Sec-WebSocket-Version", refusedNaming(version, without(version)))
	g.add("Sec-WebSocket-Version: 12", refusedNaming(version, set(version, "12")))
	g.add("Sec-WebSocket-Version: 99", refusedNaming(version, set(version, "99")))
	g.add("Sec-WebSocket-Version: garbage", refused(set(version, "abc")))
	g.section = "RFC 6455 4.2.1"
	g.add("method POST", refused(method("POST")))
	g.add("method PUT", refused(method("PUT")))
	g.add("HTTP/1.0", refused(httpVersion("HTTP/1.0")))
	g.add("no Host header", refused(without("Host")))
	g.section = "RFC 9112 2.2"
	g.add("broken request line", refused(httpVersion("")))
	g.add("header line without a colon", refused(also("Broken\r\nno-colon-here\r\nX", "y")))
	g.add("NUL in a header value", refused(also("X-Nul", "a\x00b")))
}

// works wants a handshake accepted and the connection to work.
func works(edits ...edit) func(*session) error {
	return func(s *session) error {
		p, err := s.connect()
		if err != nil {
			return err
		}
		if _, err := p.accepted(s.request(edits...)); err != nil {
			return err
		}
		return all(alive, finished)(p)
	}
}

// none wants a handshake accepted without an extension.
func none(edits ...edit) func(*session) error {
	return func(s *session) error {
		p, err := s.connect()
		if err != nil {
			return err
		}
		answer, err := p.accepted(s.request(edits...))
		if err != nil {
			return err
		}
		if got := answer.header.Get("Sec-WebSocket-Extensions"); got != "" {
			return fail("the server accepted what it cannot know: %q", got)
		}
		return finished(p)
	}
}

func refused(edits ...edit) func(*session) error { return refusedNaming("", edits...) }

// refusedNaming wants a 4xx that has a header.
func refusedNaming(header string, edits ...edit) func(*session) error {
	return func(s *session) error {
		p, err := s.connect()
		if err != nil {
			return err
		}
		answer, err := p.ask(s.request(edits...))
		switch {
		case errors.Is(err, errDropped):
			return weak("dropped without an HTTP response")
		case err != nil:
			return err
		case answer.status == 101:
			return fail("the handshake was accepted")
		case !answer.refused() && answer.status != 501 && answer.status != 505:
			return fail("HTTP %d, wanted 4xx", answer.status)
		case header != "" && answer.header.Get(header) == "":
			return weak("HTTP %d without a %s header", answer.status, header)
		}
		return nil
	}
}

const floodSize = 8 << 20 // bytes

// flood sends header lines until 8 MiB are sent, and wants them refused or the connection ended.
func flood(lines iter.Seq[string]) func(*session) error {
	return func(s *session) error {
		p, err := s.connect()
		if err != nil {
			return err
		}
		open := s.request().bytes()
		err = p.write(open[:len(open)-2])
		sent := 0
		for some := range lines {
			if err != nil || sent >= floodSize {
				break
			}
			err = p.write([]byte(some))
			sent += len(some)
		}
		if err == nil {
			err = p.write([]byte("\r\n\r\n"))
		}
		if err != nil && !errors.Is(err, errDropped) {
			return err
		}
		answer, err := p.response()
		switch {
		case errors.Is(err, errDropped):
			return nil
		case err == nil && answer.status == 101:
			return fail("a handshake of %d bytes was accepted", sent)
		}
		return err
	}
}

func oneLine(yield func(string) bool) {
	for more := yield("X-Big: "); more; more = yield(strings.Repeat("a", 64<<10)) {
	}
}

func manyLines(yield func(string) bool) {
	var some strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&some, "X-%d: %d\r\n", i, i)
	}
	for yield(some.String()) {
	}
}

// stall sends the beginning of a request and then a byte at a time, and wants the connection closed in time.
func stall(begin, drop string) func(*session) error {
	const pause = 500 * time.Millisecond
	return func(s *session) error {
		p, err := s.connect()
		if err != nil {
			return err
		}
		for end := time.Now().Add(s.HandshakeLimit); time.Now().Before(end); begin = drop {
			if begin != "" {
				if err := p.write([]byte(begin)); err != nil {
					return unlessDropped(err)
				}
			}
			if err := p.stream.drain(p.ctx, time.Now().Add(pause)); !errors.Is(err, errTimeout) {
				return err
			}
		}
		return fail("an unfinished handshake was open for %v", s.HandshakeLimit)
	}
}

// early sends a ping in the packet of the request. A client must not do that, so that the server may refuse it, too.
func early(s *session) error {
	p, err := s.connect()
	if err != nil {
		return err
	}
	r := s.request(with(ping([]byte("early"))))
	answer, err := p.ask(r)
	switch {
	case errors.Is(err, errDropped) || err == nil && answer.refused():
		return nil
	case err != nil:
		return err
	}
	if err := answer.accepts(r); err != nil {
		return err
	}
	if err := wantPong([]byte("early"))(p); err != nil {
		return weak("a frame right behind the request was lost: %v", err)
	}
	return finished(p)
}
