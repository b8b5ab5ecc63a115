package conformance

import (
	"bytes"
	"unicode/utf8"
)

// assembly is a message that the reference is reading.
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

// begin finds the message that a frame belongs to; there may be none if a rule is broken.
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

// validSoFar checks the bytes that have come since its last call. The last character need not be whole.
func (c *referenceConn) validSoFar(m *assembly) bool {
	if m.op == opBinary && !c.is("utf8-in-binary") || c.is("no-utf8") {
		return true
	}
	if c.broken == "" && utf8.Valid(m.data[m.checked:]) {
		m.checked = len(m.data)
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

// canGoOn reports whether b is the beginning of a character. Continuation bytes decide that: 80, 9f, a0 or bf is the
// lowest or highest that may follow any first byte.
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

// say sends a message, compressed if that was negotiated.
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
