package conformance

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"io"
	"slices"
	"time"
)

// head is the beginning of a frame from the client.
type head struct {
	fin      bool
	rsv      byte
	op       opcode
	masked   bool
	length   uint64
	key      [4]byte
	position int // of the payload that was read
}

// frame reads and handles one frame.
func (c *referenceConn) frame() error {
	var two [2]byte
	if _, err := io.ReadFull(c.in, two[:]); err != nil {
		if c.is("ignore-half-close") {
			time.Sleep(time.Minute)
		}
		return err
	}
	h := &head{fin: two[0]&0x80 != 0, rsv: two[0] >> 4 & 7, op: opcode(two[0] & 15),
		masked: two[1]&0x80 != 0, length: uint64(two[1] & 127)}
	if err := c.checkHead(h); err != nil {
		return err
	}
	if err := c.readLength(h); err != nil {
		return err
	}
	if h.masked {
		if _, err := io.ReadFull(c.in, h.key[:]); err != nil {
			return err
		}
	}
	if c.is("ignore-key-of-ones") && h.key == [4]byte{255, 255, 255, 255} {
		h.key = [4]byte{}
	}
	if h.op.control() {
		return c.control(h)
	}
	return c.data(h)
}

// checkHead judges a frame by its first two bytes.
func (c *referenceConn) checkHead(h *head) error {
	compressed := c.chosen != nil && h.rsv == rsv1
	switch {
	case h.rsv != 0 && !(compressed && (h.op == opText || h.op == opBinary)):
		rule := "accept-reserved-bits"
		if c.chosen != nil {
			rule = "accept-reserved-bits-compressed"
		}
		if compressed && h.op == opContinuation {
			rule = "accept-rsv1-continuation"
		} else if compressed && h.op.control() {
			rule = "accept-rsv1-control"
		}
		if err := c.violation(c.codeOf("wrong-code-for-bits", 1003, 1002), rule); err != nil {
			return err
		}
	case !h.masked:
		if err := c.violation(1002, "accept-unmasked"); err != nil {
			return err
		}
	}
	if _, known := opcodes[h.op]; !known {
		if err := c.violation(1002, "accept-reserved-opcodes"); err != nil {
			return err
		}
	}
	if h.op.control() && !h.fin {
		if err := c.violation(1002, "accept-fragmented-control"); err != nil {
			return err
		}
	}
	if h.op.control() && h.length > 125 {
		return c.violation(1002, "accept-long-control")
	}
	return nil
}

func (c *referenceConn) codeOf(rule string, broken, right int) int {
	if c.is(rule) {
		return broken
	}
	return right
}

// readLength reads what is left of a length, and judges it.
func (c *referenceConn) readLength(h *head) error {
	announced := h.length
	if announced >= 126 {
		b := make([]byte, map[uint64]int{126: 2, 127: 8}[announced])
		if _, err := io.ReadFull(c.in, b); err != nil {
			return err
		}
		h.length = binary.BigEndian.Uint64(append(make([]byte, 8-len(b)), b...))
	}
	if h.length>>63 != 0 && c.is("crash-at-top-bit") {
		c.crashed.Store(true)
		return io.ErrUnexpectedEOF
	}
	if c.is("accept-top-bit") {
		h.length &= 1<<63 - 1
	}
	long := announced == 126 && h.length < 126 || announced == 127 && h.length < 1<<16
	if h.length>>63 != 0 || long && !c.is("accept-top-bit") {
		if err := c.violation(1002, "accept-long-lengths"); err != nil {
			return err
		}
	}
	if h.op.control() || h.length == 0 {
		return nil
	}
	total := h.length
	if c.message != nil && !c.is("limit-of-one-frame") {
		total += uint64(len(c.message.data))
	}
	limit := uint64(c.limit)
	if c.is("limit-too-low") {
		limit--
	}
	if total > limit {
		return c.violation(c.codeOf("wrong-code-for-size", 1008, 1009), "ignore-limit")
	}
	return nil
}

// payload reads a part of a payload, as much as is there at most.
func (c *referenceConn) payload(h *head) ([]byte, error) {
	b := make([]byte, min(h.length-uint64(h.position), 4096))
	n, err := c.in.Read(b)
	b = b[:n]
	turned := slices.Concat(h.key[h.position%4:], h.key[:h.position%4])
	subtle.XORBytes(b, b, bytes.Repeat(turned, n/4+1))
	h.position += n
	return b, err
}

func (c *referenceConn) wholePayload(h *head) (all []byte, err error) {
	for uint64(h.position) < h.length && err == nil {
		var some []byte
		some, err = c.payload(h)
		all = append(all, some...)
	}
	return all, err
}

func (c *referenceConn) control(h *head) error {
	payload, err := c.wholePayload(h)
	if err != nil || c.closing {
		return err
	}
	switch h.op {
	case opPing:
		c.ping(payload)
	case opPong:
		switch {
		case c.is("answer-pongs"):
			c.send(opPong, payload)
		case c.is("close-at-pongs"):
			return broke(1002)
		}
	case opClose:
		return c.close(payload)
	}
	return nil
}

func (c *referenceConn) ping(payload []byte) {
	switch {
	case c.is("no-pong") || c.is("no-pong-inside-of-a-message") && c.message != nil:
		return
	case c.is("pong-empty"):
		payload = nil
	case c.is("pong-cut") && len(payload) == 125:
		payload = payload[:124]
	case c.is("pong-as-ping"):
		c.send(opPing, payload)
		return
	case c.is("pongs-reversed"):
		if c.pings = append(c.pings, payload); len(c.pings) < 10 {
			return
		}
		for _, late := range slices.Backward(c.pings) {
			c.send(opPong, late)
		}
		return
	case c.is("stall-others"):
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
	}
	c.send(opPong, payload)
}

// send sends a frame, well-formed unless a rule about that is the broken one.
func (c *referenceConn) send(op opcode, payload []byte) { c.sendFrame(op, payload, true, 0) }

func (c *referenceConn) sendFrame(op opcode, payload []byte, fin bool, rsv byte) {
	n, form := len(payload), 7
	switch {
	case n >= 1<<16 || c.is("long-lengths") && n >= 126:
		form = 64
	case n >= 126 || c.is("sixteen-bits-for-125") && n == 125:
		form = 16
	}
	if c.is("reserved-bits-in-echoes") && !op.control() {
		rsv |= 2
	}
	if c.is("reserved-opcode-in-echoes") && op == opBinary {
		op = 3
	}
	first := byte(op) | rsv<<4
	if fin {
		first |= 0x80
	}
	var mask byte
	if c.is("mask-echoes") {
		mask = 0x80
	}
	b := []byte{first}
	switch form {
	case 7:
		b = append(b, mask|byte(n))
	case 16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	case 64:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if mask != 0 {
		b = append(b, 0, 0, 0, 0)
	}
	c.out.Write(append(b, payload...))
}
