package conformance

import "fmt"

// Group 1: frames, their lengths and masks (RFC 6455 sections 5.2 and 5.3).
func framing(c *collection) {
	g := c.group("1", "framing and lengths", "RFC 6455 5.2")
	for _, op := range []opcode{opText, opBinary} {
		for _, n := range []int{0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 1000, 4095, 4096, 4097,
			65535, 65536, 65537} {
			g.echo(fmt.Sprintf("%s message of %d bytes", op, n), echoed(op, sample(op, n)), finished)
		}
		for _, size := range []int{1, 7, 997} {
			n := 65536
			if size == 1 {
				n = 300
			}
			data := sample(op, n)
			g.echo(fmt.Sprintf("%s message of %d bytes in TCP pieces of %d", op, n, size),
				fits(n), sendIn(size, message(op, data)), wantEcho(op, data), finished)
		}
	}
	g.echo("text and binary alternate", alternate, finished)

	hundred := make([]frame, 100)
	for i := range hundred {
		hundred[i] = text(fmt.Sprintf("m%d", i))
	}
	g.echo("100 messages in one packet come back in order", send(hundred...), wantEchoes(hundred...), finished)

	g.section = "RFC 6455 5.3"
	zero, ones := text("zero key").keyed([4]byte{}), text("ones key").keyed([4]byte{255, 255, 255, 255})
	g.echo("masking keys 00000000 and ffffffff", send(zero), wantEchoes(zero), send(ones), wantEchoes(ones), finished)

	g.section = "RFC 6455 5.2"
	g.echo("16-bit length for 5 bytes (must be minimal)", minimal(5, 16))
	g.echo("64-bit length for 5 bytes (must be minimal)", minimal(5, 64))
	g.echo("64-bit length for 300 bytes (must be minimal)", minimal(300, 64))
}

func alternate(p *peer) error {
	for i := range 40 {
		op := opBinary
		if i%2 == 1 {
			op = opText
		}
		if err := echoed(op, prose(i*37))(p); err != nil {
			return err
		}
	}
	return nil
}

// wantEchoes wants messages back in order.
func wantEchoes(messages ...frame) step {
	var steps []step
	for _, m := range messages {
		steps = append(steps, wantEcho(m.op, m.payload))
	}
	return all(steps...)
}

// minimal sends a length in more bits than it needs. Many servers accept that.
func minimal(n, bits int) step {
	return func(p *peer) error {
		err := all(send(message(opText, prose(n)).lengthIn(bits)), violated(protocolError))(p)
		if outcome, _ := outcomeOf(err); outcome == Fail {
			return weak("%d bytes with a length of %d bits: %v", n, bits, err)
		}
		return err
	}
}
