package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/flate"
)

// material is what compressed messages are made of.
type material struct {
	name string
	op   opcode
	make func(n int) []byte
}

var (
	materials = []material{{"prose", opText, prose}, jsonText, noiseBytes, {"zeros", opBinary, zeros}}

	jsonText   = material{"JSON", opText, jsonish}
	noiseBytes = material{"noise", opBinary, noise}

	// usual is the offer that browsers make.
	usual = offering(clientBits)
)

const usualLevel = 6

// Group 12: messages with permessage-deflate (RFC 7692 sections 6 and 7.2).
func deflated(c *collection) {
	plain := c.group("12", "permessage-deflate data", "RFC 7692 7.2")
	g := plain.offering(usualLevel, usual)
	for _, m := range materials {
		for _, n := range []int{0, 1, 16, 64, 125, 126, 256, 1024, 4096, 8192, 16384, 32768, 65535, 65536, 131072} {
			g.echo(fmt.Sprintf("%s of %d bytes", m.name, n), exchanged(m, 2, 0, n), finished)
		}
		for _, size := range []int{1, 256, 1024, 4096} {
			n := 65536
			if size == 1 {
				n = 2048
			}
			g.echo(fmt.Sprintf("%s of %d bytes in fragments of %d", m.name, n, size),
				exchanged(m, 2, size, n), finished)
		}
		g.echo(m.name+": 200 messages of mixed size share one context",
			exchanged(m, 20, 0, 3, 50, 700, 9, 4000, 128, 0, 33000, 17, 260), finished)
	}
	for _, level := range []int{0, 1, 9} {
		plain.offering(level, usual).echo(fmt.Sprintf("compression level %d", level),
			exchanged(jsonText, 3, 0, 10, 5000, 40000), finished)
	}
	g.section = "RFC 7692 6"
	g.echo("compressed and plain messages mix", mixed, finished)
	g.echo("pings inside a compressed fragmented message", pingedDeflated, finished)
	handmade(plain.offering(usualLevel, offering(clientNoTakeover)))
	g.section = "RFC 7692 7.2.3.6"
	g.echo("empty message as the single byte 00",
		send(message(opText, []byte{0}).reserved(rsv1)), wantEcho(opText, nil), finished)

	g.section = "RFC 6455 5.5.1"
	hello := text(string(prose(600)))
	g.rounds("compressed message and Close in one packet: the echo, then the reply",
		send(hello.deflated(), closing(1000, "")), answeredBeforeClose(hello))

	g = plain.offering(usualLevel, offering(clientNoTakeover))
	g.section = "RFC 7692 7.2.3.4"
	final := message(opText, append(finalBlock(hello.payload), 0)).reserved(rsv1)
	g.echo("a message behind one that ended with a final block",
		send(final), wantEchoes(hello), send(hello.deflated()), wantEchoes(hello), finished)
}

// exchanged sends messages of some sizes, round for round, in fragments of size bytes; 0 is one frame.
func exchanged(m material, rounds, size int, sizes ...int) step {
	return func(p *peer) error {
		for range rounds {
			for _, n := range sizes {
				if n+n/1000+64 > p.MaxMessage { // noise grows a little
					if len(sizes) == 1 {
						return fits(p.MaxMessage + 1)(p)
					}
					continue
				}
				data := m.make(n)
				if err := all(sendEach(p.deflatedFragments(m.op, data, size)...), wantEcho(m.op, data))(p); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func mixed(p *peer) error {
	for i := range 10 {
		m := message(opText, prose(200+i))
		sent := m
		if i%2 == 0 {
			sent = m.deflated()
		}
		if err := all(send(sent), wantEchoes(m))(p); err != nil {
			return err
		}
	}
	return nil
}

func pingedDeflated(p *peer) error {
	data := prose(min(20000, p.MaxMessage))
	fragments := p.deflatedFragments(opText, data, 256)
	for i, f := range fragments {
		if i > 0 && i < 4 {
			probe := fmt.Appendf(nil, "in-%d", i)
			if err := all(send(ping(probe)), wantPong(probe))(p); err != nil {
				return err
			}
		}
		if err := send(f)(p); err != nil {
			return err
		}
	}
	return wantEcho(opText, data)(p)
}

// handmade adds cases of forms that compressors seldom choose (RFC 7692 section 7.2.3).
func handmade(g *group) {
	data := prose(3000)
	add := func(title, section string, payload []byte) {
		g.section = "RFC 7692 " + section
		g.echo(title, send(message(opText, payload).reserved(rsv1)), wantEcho(opText, data), alive, finished)
	}
	half := len(data) / 2
	add("one message in two DEFLATE blocks", "7.2.3.5", withoutTail(flushed(data[:half], data[half:])))
	add("one message with a full flush inside", "7.2.1",
		withoutTail(append(flushed(data[:half]), flushed(data[half:])...)))
	add("one message as a stored block", "7.2.3.3", append(storedBlock(data), 0))
	add("one message ending with a final block (BFINAL=1)", "7.2.3.4", append(finalBlock(data), 0))
	add("one message in fixed Huffman codes", "7.2.3.1", append(fixedBlock(data), 0))
}

// flushed compresses parts of one stream, with a flush after each.
func flushed(parts ...[]byte) []byte {
	var b bytes.Buffer
	w := newWriter(&b, usualLevel, 1<<15)
	for _, part := range parts {
		_, _ = w.Write(part)
		_ = w.Flush()
	}
	return b.Bytes()
}

func storedBlock(data []byte) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(data)))
	return append(binary.LittleEndian.AppendUint16(b, ^uint16(len(data))), data...)
}

func finalBlock(data []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, usualLevel)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// fixedBlock writes data as literals of the fixed code, in a final block.
func fixedBlock(data []byte) []byte {
	var b bitWriter
	b.write(1|1<<1, 3)
	for _, literal := range data {
		b.fixed(int(literal))
	}
	b.fixed(256)
	return b.bytes
}

// bitWriter writes bits as DEFLATE does, the lowest of a byte first.
type bitWriter struct {
	bytes []byte
	used  int // bits of the last byte
}

func (b *bitWriter) write(v, n int) {
	for i := range n {
		if b.used%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[len(b.bytes)-1] |= byte(v>>i&1) << (b.used % 8)
		b.used++
	}
}

// code writes a Huffman code, whose highest bit comes first.
func (b *bitWriter) code(v, n int) { b.write(int(bits.Reverse16(uint16(v)))>>(16-n), n) }

// fixed writes a symbol in the fixed code (RFC 1951 section 3.2.6).
func (b *bitWriter) fixed(symbol int) {
	switch {
	case symbol < 144:
		b.code(0x30+symbol, 8)
	case symbol < 256:
		b.code(0x190+symbol-144, 9)
	case symbol < 280:
		b.code(symbol-256, 7)
	default:
		b.code(0xC0+symbol-280, 8)
	}
}
