package conformance

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"unicode/utf8"

	kflate "github.com/klauspost/compress/flate"
)

// assembly is a message that the reference is hearing.
type assembly struct {
	op         opcode
	compressed bool
	data       []byte
	checked    int // bytes of data that are whole characters
	fragments  int
}

// data reads a frame of a message.
func (c *referenceConn) data(h *head) error {
	if err := c.begin(h); err != nil {
		return err
	}
	m := c.message
	if m == nil {
		_, err := c.wholePayload(h)
		return err
	}
	for uint64(h.position) < h.length {
		some, err := c.payload(h)
		if err != nil {
			return err
		}
		m.data = append(m.data, some...)
		if !m.compressed && !c.is("utf8-at-the-end") && !c.validSoFar(m) {
			return broke(c.codeOf("wrong-code-for-utf8", 1002, 1007))
		}
	}
	if c.is("utf8-in-each-fragment") && m.op == opText && m.checked < len(m.data) {
		return broke(1007)
	}
	if !h.fin || c.is("forget-message") {
		return nil
	}
	c.message = nil
	return c.finish(m)
}

// begin finds the message that a frame belongs to; there may be none where a rule is broken.
func (c *referenceConn) begin(h *head) error {
	switch {
	case h.op == opContinuation && c.message == nil:
		return c.violation(1002, "accept-stray-continuation")
	case h.op == opContinuation:
	case c.message != nil && !c.is("accept-message-in-message"):
		return broke(1002)
	case h.op == opText || h.op == opBinary:
		c.message = &assembly{op: h.op, compressed: h.rsv&rsv1 != 0 && c.chosen != nil}
	default:
		return nil
	}
	if c.message.fragments++; c.message.fragments > 4096 && c.is("bound-of-4096-fragments") {
		return broke(1008)
	}
	return nil
}

// validSoFar looks at what has come since it last did. The last character need not be whole.
func (c *referenceConn) validSoFar(m *assembly) bool {
	if m.op == opBinary && !c.is("utf8-in-binary") || c.is("no-utf8") {
		return true
	}
	refuseNoncharacters := c.is("refuse-noncharacters")
	for m.checked < len(m.data) {
		r, size := utf8.DecodeRune(m.data[m.checked:])
		if r == utf8.RuneError && size == 1 {
			if c.is("accept-surrogates") && m.data[m.checked] == 0xed {
				m.checked++
				for m.checked < len(m.data) && m.data[m.checked]&0xc0 == 0x80 {
					m.checked++
				}
				continue
			}
			return canGoOn(m.data[m.checked:])
		}
		if refuseNoncharacters && r&0xfffe == 0xfffe {
			return false
		}
		m.checked += size
	}
	return true
}

// canGoOn reports whether b is the beginning of a character. Continuation bytes decide that: 80, 9f, a0 or bf is the lowest or
// highest that may follow any first byte.
func canGoOn(b []byte) bool {
	if len(b) > 3 {
		return false
	}
	for _, next := range []byte{0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf} {
		longer := append(bytes.Clone(b), next)
		if r, size := utf8.DecodeRune(longer); r != utf8.RuneError || size == 3 {
			return true
		}
		if len(longer) < 4 && canGoOn(longer) {
			return true
		}
	}
	return false
}

// finish echoes a whole message.
func (c *referenceConn) finish(m *assembly) error {
	if m.compressed {
		data, err := c.inflate(m.data)
		if err != nil {
			return err
		}
		m.data = data
	}
	if m.op == opText && !c.is("no-utf8") && !utf8.Valid(m.data) && !c.is("accept-surrogates") &&
		!(m.compressed && c.is("no-utf8-compressed")) {
		return broke(1007)
	}
	if !c.closing || c.is("echo-behind-close") {
		c.echo(m)
	}
	return nil
}

func (c *referenceConn) echo(m *assembly) {
	next := c.in.Buffered() > 0 // more has come than the message
	switch {
	case c.is("swap-opcodes"):
		m.op = 3 - m.op
	case c.is("cut-125") && len(m.data) == 125:
		m.data = m.data[:124]
	case c.is("cut-65535") && len(m.data) == 65535:
		m.data = m.data[:65534]
	case c.is("no-empty-echo") && len(m.data) == 0:
		return
	case c.is("strip-byte-order-mark"):
		m.data = bytes.TrimPrefix(m.data, []byte("\ufeff"))
	case c.is("lose-last-message") && next:
		return
	case c.is("reorder") && c.held == nil && next:
		c.held = m
		return
	case c.is("continuation-of-nothing"):
		c.send(opContinuation, m.data)
		return
	case c.is("message-in-message-echoes"):
		c.sendFrame(m.op, m.data, false, 0)
	case c.is("latin1-echoes") && m.op == opText:
		m.data = append(m.data, 0xe9)
	case c.is("late-echo"):
		if next {
			c.held = m
			return
		}
	}
	c.say(m)
	if c.held != nil && c.is("reorder") {
		c.say(c.held)
		c.held = nil
	}
}

// say sends a message, compressed if that was agreed on.
func (c *referenceConn) say(m *assembly) {
	if c.chosen == nil || len(m.data) == 0 && !c.is("rsv1-on-fragments") {
		c.send(m.op, m.data)
		return
	}
	payload := c.deflate(m.data)
	if c.is("rsv1-on-fragments") {
		c.sendFrame(m.op, payload, false, rsv1)
		c.sendFrame(opContinuation, nil, true, rsv1)
		return
	}
	c.sendFrame(m.op, payload, true, rsv1)
}

// close answers a close frame.
func (c *referenceConn) close(body []byte) error {
	if c.is("no-close-reply") {
		return io.EOF
	}
	if len(body) == 1 {
		return c.violation(1002, "accept-close-of-one-byte")
	}
	code := noStatus
	if len(body) >= 2 {
		code = int(binary.BigEndian.Uint16(body))
		if !referenceCode(code) {
			if err := c.violation(1002, "accept-any-close-code"); err != nil {
				return err
			}
			code = 1000
		}
		if !utf8.Valid(body[2:]) && !c.is("accept-close-reason-not-utf8") {
			return broke(1007)
		}
	}
	if len(body) > 120 && c.is("refuse-long-reasons") {
		return broke(1002)
	}
	c.closing = true
	c.sendClose(code, "")
	if c.is("close-twice") {
		c.sendClose(code, "")
	}
	if c.is("late-echo") && c.held != nil {
		c.say(c.held)
	}
	if c.is("pong-behind-close") || c.is("echo-behind-close") {
		c.closing = c.is("echo-behind-close")
		return nil
	}
	return io.EOF
}

// referenceCode lists the codes that may be sent.
func referenceCode(code int) bool {
	switch code {
	case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014:
		return true
	}
	return 3000 <= code && code < 5000
}

func (c *referenceConn) sendClose(code int, reason string) {
	switch {
	case c.is("close-code-forgotten"):
		code = noStatus
	case c.is("close-code-1011"):
		code = 1011
	case c.is("close-code-1005"):
		c.send(opClose, []byte{1005 >> 8, 1005 & 255})
		return
	case c.is("close-reason-not-utf8"):
		reason = "\xff"
	}
	if code == noStatus {
		c.send(opClose, nil)
		return
	}
	c.send(opClose, append([]byte{byte(code >> 8), byte(code)}, reason...))
}

// squeezer is the compression of a connection.
type squeezer struct {
	out    bytes.Buffer
	writer *kflate.Writer
	ended  bool   // a final block has come
	heard  []byte // the last of what was inflated
}

func (c *referenceConn) deflate(data []byte) []byte {
	s := &c.squeeze
	s.out.Reset()
	if s.writer == nil || c.chosen.has(serverNoTakeover) && !c.is("keep-context") {
		bits := c.chosen.bits(serverBits)
		if c.is("ignore-window") || bits == 15 {
			s.writer, _ = kflate.NewWriter(&s.out, 6)
		} else {
			s.writer, _ = kflate.NewWriterWindow(&s.out, 1<<bits)
		}
	}
	s.writer.Write(data)
	s.writer.Flush()
	return bytes.Clone(bytes.TrimSuffix(s.out.Bytes(), []byte("\x00\x00\xff\xff")))
}

// inflate wants a message to end where a block does: behind it comes a last, empty one.
func (c *referenceConn) inflate(payload []byte) ([]byte, error) {
	s := &c.squeeze
	if c.chosen.has(clientNoTakeover) || c.is("forget-context") {
		s.heard = nil
	}
	in := bytes.NewReader(append(payload, "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))
	limit := c.limit
	if c.is("inflate-without-limit") {
		limit = 1 << 30
	}
	var out []byte
	blocks := 0
	for ; in.Len() > 0; blocks++ {
		dictionary := append(bytes.Clone(s.heard), out...)
		r := flate.NewReaderDict(in, dictionary[max(0, len(dictionary)-1<<15):])
		some, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		out = append(out, some...)
		switch {
		case len(out) > limit:
			return nil, broke(1009)
		case err != nil && c.is("echo-garbage"):
			return out, nil
		case err != nil:
			return nil, broke(1007)
		case in.Len() > 0 && c.is("refuse-final-blocks"), s.ended && c.is("end-at-final-block"):
			return nil, broke(1007)
		}
	}
	s.ended = blocks > 1
	s.heard = append(s.heard, out...)
	s.heard = s.heard[max(0, len(s.heard)-1<<15):]
	return out, nil
}
