package conformance

import (
	"errors"
	"fmt"
)

// Group 3: reserved bits without an extension that gives them a meaning (RFC 6455 section 5.2).
func reservedBits(c *collection) {
	g := c.group("3", "reserved bits", "RFC 6455 5.2")
	fine := text("fine")
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, op := range []opcode{opText, opBinary, opPing, opPong} {
			g.live(fmt.Sprintf("RSV=%d on %s", rsv, op),
				send(message(op, []byte("rsv")).reserved(rsv)), violated(protocolError))
		}
		g.live(fmt.Sprintf("RSV=%d on close", rsv), send(closing(1000, "").reserved(rsv)), violated(protocolError))
		g.live(fmt.Sprintf("RSV=%d on a continuation", rsv),
			send(text("a").unfinished(), continuation("b").reserved(rsv)), violated(protocolError))
		g.echo(fmt.Sprintf("RSV=%d after a good message", rsv),
			send(fine), send(text("rsv").reserved(rsv)), violated(protocolError, fine))
	}
	g.live("RSV=4 on text, byte by byte", sendIn(1, text("rsv").reserved(4)), violated(protocolError))

	bad := text("rsv").reserved(2)
	answeredBefore(g, "RSV=2", bad)
	g.echo("a ping behind RSV=2 is not answered", notAnsweredBehind(bad)...)
}

// Group 4: opcodes that mean nothing (RFC 6455 section 5.2).
func reservedOpcodes(c *collection) {
	g := c.group("4", "reserved opcodes", "RFC 6455 5.2")
	fine := text("fine")
	for _, op := range []opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		full := message(op, []byte("reserved"))
		g.live(fmt.Sprintf("%s without payload", op), send(message(op, nil)), violated(protocolError))
		g.live(fmt.Sprintf("%s with payload", op), send(full), violated(protocolError))
		g.echo(fmt.Sprintf("%s after a good message", op),
			send(fine), send(message(op, []byte("x"))), violated(protocolError, fine))
		g.live(fmt.Sprintf("%s inside a fragmented message", op),
			send(text("a").unfinished(), message(op, []byte("x"))), violated(protocolError))
		g.live(fmt.Sprintf("%s, byte by byte", op), sendIn(1, full), violated(protocolError))
	}
	answeredBefore(g, "opcode 0x5", message(5, []byte("x")))
	answeredBefore(g, "opcode 0xd", message(13, []byte("x")))
	g.echo("a ping behind opcode 0x5 is not answered", notAnsweredBehind(message(5, nil))...)
}

// notAnsweredBehind wants no pong from a connection that has failed.
func notAnsweredBehind(bad frame) []step {
	return []step{send(bad, ping([]byte("late"))), func(p *peer) error {
		for {
			e, err := p.receive(p.Timeout)
			switch {
			case errors.Is(err, errDropped):
				return nil
			case errors.Is(err, errTimeout):
				return fail("the connection stayed open")
			case err != nil:
				return err
			case e.op == opPong:
				return fail("a ping behind a violation was answered")
			case e.op == opClose:
				return p.closedWith(e, protocolError)
			}
		}
	}}
}
