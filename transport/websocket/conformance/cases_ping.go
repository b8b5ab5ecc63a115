package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Group 2: pings and pongs (RFC 6455 sections 5.5.2 and 5.5.3).
func pings(c *collection) {
	g := c.group("2", "ping and pong", "RFC 6455 5.5.2")
	pong := func(size int, data []byte) step { return all(sendIn(size, ping(data)), wantPong(data), finished) }
	g.live("ping without payload", pong(0, nil))
	for _, n := range []int{1, 8, 64, 124, 125} {
		g.live(fmt.Sprintf("ping of %d bytes comes back whole", n), pong(0, prose(n)))
	}
	g.live("ping with bytes that are not UTF-8", pong(0, []byte{0x00, 0xFF, 0xFE, 0xFD, 0x80, 0xC0}))
	g.live("ping of 125 bytes of noise", pong(0, noise(125)))
	g.live("ping of 125 bytes sent byte by byte", pong(1, noise(125)))

	g.section = "RFC 6455 5.5"
	for _, op := range []opcode{opPing, opPong} {
		long := message(op, bytes.Repeat([]byte("a"), 126))
		g.live(fmt.Sprintf("%s of 126 bytes", op), send(long), violated(protocolError))
		g.live(fmt.Sprintf("%s of 126 bytes, byte by byte", op), sendIn(1, long), violated(protocolError))
		g.live(fmt.Sprintf("%s of 70000 bytes", op), send(message(op, prose(70000))), violated(protocolError))
	}

	g.section = "RFC 6455 5.5.3"
	unasked := func(times int, data []byte) step {
		pongs := make([]frame, times)
		for i := range pongs {
			pongs[i] = message(opPong, data)
		}
		return all(sendEach(pongs...), alive, finished)
	}
	g.live("unasked pong without payload is ignored", unasked(1, nil))
	g.live("unasked pong with payload is ignored", unasked(1, []byte("hello")))
	g.live("50 unasked pongs are ignored", unasked(50, noise(60)))

	g.live("10 pings at once", burst(10, 0, false), alive, finished)
	g.live("10 pings at once, byte by byte", burst(10, 1, false), alive, finished)
	g.live("200 pings at once", burst(200, 0, true), alive, finished)

	g.section = "RFC 6455 5.5.2"
	one, two := text("one"), text("two")
	g.echo("ping between messages",
		sendEach(one, ping([]byte("mid")), two), wantEchoes(one, two), wantPong([]byte("mid")), finished)
}

// burst sends many pings. A server may leave some unanswered but never the last, and may not change their order, which
// a ping after them shows. A server that guards itself may hang up.
func burst(n, size int, guarded bool) step {
	const mark = "ping-"
	return func(p *peer) error {
		var pings []frame
		for i := range n {
			pings = append(pings, ping(fmt.Appendf(nil, "%s%04d", mark, i)))
		}
		if err := sendIn(size, pings...)(p); err != nil {
			return err
		}
		for last := -1; last < n-1; {
			e, err := p.receive(p.Timeout)
			switch {
			case errors.Is(err, errDropped) && guarded:
				return weak("dropped after %d of %d pings", last+1, n)
			case err != nil:
				return fail("after %d of %d pongs: %v", last+1, n, err)
			case e.op == opClose:
				return fail("closed with %d after %d of %d pongs", e.code, last+1, n)
			case e.op != opPong:
				continue
			}
			i, err := strconv.Atoi(strings.TrimPrefix(string(e.data), mark))
			if err != nil || i <= last {
				return fail("pongs out of order or unknown: %q after %d", e.data, last)
			}
			last = i
		}
		return nil
	}
}
