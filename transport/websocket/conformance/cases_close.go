package conformance

import (
	"bytes"
	"errors"
	"fmt"
)

// Group 7: the closing handshake (RFC 6455 sections 5.5.1 and 7).
func closings(c *collection) {
	g := c.group("7", "closing", "RFC 6455 5.5.1")
	g.live("Close 1000", closes(1000, ""))
	g.live("Close without a body", closes(noStatus, "", 1000))
	g.echo("message, then Close", echoed(opText, []byte("hello")), finished)
	g.live("two Close frames get one reply", send(closing(1000, ""), closing(1000, "")), oneClose)

	g.section = "RFC 6455 1.4"
	g.live("ping after Close is not answered", nothingBehind(bytesOf(ping([]byte("late"))), opPong))
	g.echo("text after Close is not answered", nothingBehind(bytesOf(text("late")), opText))
	g.live("rubbish after Close does not change the reply", nothingBehind(noise(64), opText))

	g.section = "RFC 6455 5.5.1"
	g.live("Close in the middle of a fragmented message", send(text("half").unfinished()), finished)
	g.echo("64 KiB message directly followed by Close", largeThenClose)

	closeCodes(g)
	closeReasons(g)
	g.section = "RFC 6455 7.1.5"
	g.live("client half-closes TCP without a Close frame", (*peer).halfClose, halfClosed)

	g.section = "RFC 6455 5.5.1"
	messagesBeforeClose(g)
}

func closeCodes(g *group) {
	g.section = "RFC 6455 7.4.1"
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		g.live(fmt.Sprintf("Close %d is echoed", code), closes(code, ""))
	}
	for _, code := range []int{1012, 1013, 1014} {
		g.live(fmt.Sprintf("Close %d (registered later)", code), closes(code, "", 1000, 1002))
	}
	for _, code := range []int{0, 1, 999, 1004, noStatus, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535} {
		body := []byte{byte(code >> 8), byte(code)}
		g.live(fmt.Sprintf("Close %d must not be sent", code), send(message(opClose, body)), violated(protocolError))
	}
}

func closeReasons(g *group) {
	g.section = "RFC 6455 5.5.1"
	g.live("Close with a 1-byte body", send(message(opClose, []byte{3})), violated(protocolError))
	for _, n := range []int{1, 122, 123} {
		g.live(fmt.Sprintf("Close with a reason of %d bytes", n), closes(1000, string(prose(n))))
	}
	long := closing(1000, string(bytes.Repeat([]byte("a"), 124)))
	g.live("Close with a body of 126 bytes", send(long), violated(protocolError))
	g.live("Close with a reason that is not UTF-8", send(closing(1000, "bad \xff\xfe")), violated([]int{1007, 1002}))
	g.live("Close with a reason cut inside a character", send(closing(1000, "żół\xc4")), violated([]int{1007, 1002}))
}

// messagesBeforeClose adds cases of clients that send something and leave at once.
func messagesBeforeClose(g *group) {
	hello, goodbye := text("hello"), closing(1000, "")
	g.rounds("message and Close in one packet: the echo, then the reply",
		send(hello, goodbye), answeredBeforeClose(hello))
	g.rounds("message and Close in two packets: the echo, then the reply",
		send(hello), send(goodbye), answeredBeforeClose(hello))
	g.rounds("message and Close byte by byte: the echo, then the reply",
		sendIn(1, hello, goodbye), answeredBeforeClose(hello))
	var twenty []frame
	for i := range 20 {
		twenty = append(twenty, text(fmt.Sprintf("m%d", i)))
	}
	g.rounds("20 messages and Close in one packet: all echoes, then the reply",
		send(append(twenty, goodbye)...), answeredBeforeClose(twenty...))
	halves := append(fragments(opText, []byte("hello"), 3), goodbye)
	g.rounds("fragmented message and Close in one packet: the echo, then the reply",
		send(halves...), answeredBeforeClose(hello))
	big := message(opBinary, noise(256<<10))
	g.echo("256 KiB message, Close and ping in one packet: the echo, then the reply",
		fits(len(big.payload)), send(big, goodbye, ping([]byte("late"))), answeredBeforeClose(big))
	g.live("fragment, Close and the last fragment in one packet: the reply alone",
		send(text("half").unfinished(), goodbye, continuation("late")), closedBack(1000))
}

// oneClose wants one close frame and then the end.
func oneClose(p *peer) error {
	closes := 0
	for {
		e, err := p.receive(p.Timeout)
		switch {
		case errors.Is(err, errDropped) && closes == 1:
			return nil
		case errors.Is(err, errDropped):
			return fail("%d close frames in reply to two", closes)
		case errors.Is(err, errTimeout):
			return fail("the server left the connection open")
		case err != nil:
			return err
		case e.op == opClose:
			closes++
		}
	}
}

// nothingBehind sends a close frame and more in one packet. No event of the kind never may come before the answer to
// the close frame. A live endpoint may send what it likes before it.
func nothingBehind(more []byte, never opcode) step {
	return func(p *peer) error {
		if err := sendBytes(append(p.encode(closing(1000, "")), more...))(p); err != nil {
			return err
		}
		for {
			e, err := p.want("an answer to the close frame", p.Timeout)
			switch {
			case err != nil:
				return err
			case e.op == never && !(p.Live && never == opText):
				return fail("the server answered what was sent behind a close frame")
			case e.op == opClose && e.code != 1000 && e.code != 1001:
				return fail("the answer to the close frame carries %d", e.code)
			case e.op == opClose:
				return ended(p)
			}
		}
	}
}

func largeThenClose(p *peer) error {
	m := message(opText, prose(min(64<<10, p.MaxMessage)))
	if err := send(m, closing(1000, ""))(p); err != nil {
		return err
	}
	echo := wantEcho(m.op, m.payload)(p)
	if outcome, _ := outcomeOf(echo); outcome == Fail {
		return weak("the echo was lost since a close frame followed: %v", echo)
	}
	return closedBack(1000)(p)
}

func halfClosed(p *peer) error {
	if err := ended(p); err != nil {
		return fail("the end of the client's half was not noticed: %v", err)
	}
	return nil
}
