package conformance

import (
	"bytes"
	"fmt"
)

// Group 9: how large messages may be, and in how many fragments (RFC 6455 section 10.4).
func sizes(c *collection) {
	g := c.group("9", "sizes and limits", "RFC 6455 10.4")
	kinds := []opcode{opText, opBinary}
	for _, op := range kinds {
		for _, n := range []int{1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 23, 1 << 24} {
			g.echo(fmt.Sprintf("%s message of %d KiB", op, n>>10), whole(op, n, 0), finished)
		}
		for _, size := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20} {
			g.echo(fmt.Sprintf("%s message of 4096 KiB in fragments of %d", op, size), cut(op, 4<<20, size), finished)
		}
		for _, size := range []int{64, 256, 1024} {
			g.echo(fmt.Sprintf("%s message of 1024 KiB in TCP pieces of %d", op, size),
				whole(op, 1<<20, size), finished)
		}
	}
	for _, op := range kinds {
		for _, n := range []int{0, 16, 64, 256, 1024, 4096, 16384} {
			g.echo(fmt.Sprintf("%s of %d bytes, back and forth many times", op, n), toAndFro(op, n), finished)
		}
	}
	limits(g)
	g.section = "RFC 6455 10.4"
	for _, op := range kinds {
		for _, size := range []int{256 << 10, 4 << 20} {
			g.echo(fmt.Sprintf("%s message of 4096 KiB in fragments of %d", op, size), cut(op, 4<<20, size), finished)
		}
		g.echo(fmt.Sprintf("%s message of 4096 KiB in 4097 fragments", op), fits(4<<20), oneMore(op), finished)
		for _, size := range []int{128, 512, 2048} {
			g.echo(fmt.Sprintf("%s message of 1024 KiB in TCP pieces of %d", op, size),
				whole(op, 1<<20, size), finished)
		}
	}
}

// Group 10: messages that an intermediary has cut anew (RFC 6455 section 5.4).
func recut(c *collection) {
	g := c.group("10", "re-fragmentation by intermediaries", "RFC 6455 5.4")
	for _, size := range []int{1, 1300, 1460} {
		n := 64 << 10
		if size == 1 {
			n = 2000
		}
		g.echo(fmt.Sprintf("64 KiB text re-cut into frames of %d bytes", size), cut(opText, n, size), finished)
	}
}

// limits adds cases of the target's own limit. A larger message is refused as soon as its header is there.
func limits(g *group) {
	g.section = "RFC 6455 7.4.1"
	over := func(title string, frames func(limit int) []frame) {
		g.live(title, func(p *peer) error { return sendEach(frames(p.MaxMessage)...)(p) }, violated(tooBig))
	}
	claim := func(n uint64) []frame { return []frame{message(opBinary, nil).claiming(n)} }
	over("one byte above --max-message is refused with 1009", func(limit int) []frame {
		return []frame{message(opBinary, zeros(limit+1))}
	})
	over("a header announcing one byte too many is refused with 1009 at once", func(limit int) []frame {
		return claim(uint64(limit) + 1)
	})
	over("fragments adding up to more than --max-message are refused with 1009", func(limit int) []frame {
		size := max(1024, limit/16)
		all := []frame{message(opBinary, zeros(size)).unfinished()}
		for len(all)*size < limit+size {
			all = append(all, message(opContinuation, zeros(size)).unfinished())
		}
		return all
	})
	over("a header announcing 1 TiB is refused with 1009", func(int) []frame { return claim(1 << 40) })
	over("a header announcing 2^63-1 bytes is refused with 1009", func(int) []frame { return claim(1<<63 - 1) })
	g.echo("a message of exactly --max-message bytes passes", func(p *peer) error {
		return whole(opBinary, p.MaxMessage, 0)(p)
	}, finished)
}

// bulk is a payload of n bytes that is quickly made.
func bulk(op opcode, n int) []byte {
	if op == opText {
		return prose(n)
	}
	block := noise(min(n, 64<<10))
	return bytes.Repeat(block, n/max(1, len(block))+1)[:n]
}

// whole sends a message in one frame and wants it back.
func whole(op opcode, n, piece int) step {
	return func(p *peer) error {
		if err := fits(n)(p); err != nil {
			return err
		}
		data := bulk(op, n)
		return all(sendIn(piece, message(op, data)), wantEchoWithin(large, op, data))(p)
	}
}

// cut sends a message in fragments of a size and wants it back. A server may have a bound on fragments that are small.
func cut(op opcode, n, size int) step {
	const small = 1 << 10
	return func(p *peer) error {
		if err := fits(n)(p); err != nil {
			return err
		}
		err := assembled(op, fragments(op, bulk(op, n), size))(p)
		if code := closeCodeOf(err); size < small && (code == 1008 || code == 1009) {
			return weak("a message in %d fragments is refused: %v", n/size, err)
		}
		return err
	}
}

func assembled(op opcode, fragments []frame) step {
	return all(sendEach(fragments...), wantEchoWithin(large, op, joined(fragments)))
}

// oneMore sends 4 MiB in 4,097 fragments, the last of which is empty.
func oneMore(op opcode) step {
	return func(p *peer) error {
		all := fragments(op, bulk(op, 4<<20), 1<<10)
		all[len(all)-1].more = true
		return assembled(op, append(all, continuation("")))(p)
	}
}

func toAndFro(op opcode, n int) step {
	return func(p *peer) error {
		data := sample(op, n)
		for range p.Rounds {
			if err := echoed(op, data)(p); err != nil {
				return err
			}
		}
		return nil
	}
}
