package conformance

import (
	"encoding/binary"
	"io"
	"unicode/utf8"
)

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
