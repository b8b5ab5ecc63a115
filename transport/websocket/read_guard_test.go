package websocket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

func newGuard(limit uint64, deflate bool) *guard {
	return &guard{limits: &frameLimits{message: limit, fragments: 1024, controls: 512}, deflate: deflate}
}

// headerOf is a frame header that announces n bytes, with a length of the given width in bytes (1, 2 or 8).
func headerOf(first byte, n uint64, width int) []byte {
	switch width {
	case 1:
		return []byte{first, 0x80 | byte(n), 0, 0, 0, 0}
	case 2:
		return append(binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(n)), 0, 0, 0, 0)
	}
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), 0, 0, 0, 0)
}

// frames are frames from a client, made of the first byte and the payload of each.
func frames(parts ...any) (b []byte) {
	for i := 0; i < len(parts); i += 2 {
		b = append(b, clientFrame(byte(parts[i].(int)), []byte(parts[i+1].(string)))...)
	}
	return b
}

var guardCases = []struct {
	name  string
	bytes []byte
	pass  int // bytes before the first bad frame
	fault *fault
}{
	{"text", clientFrame(0x81, []byte("hello")), 11, nil},
	{"empty binary", clientFrame(0x82, nil), 6, nil},
	{"compressed text", clientFrame(0xc1, []byte("x")), 7, nil},
	{"fragments with a ping between", frames(0x01, "a", 0x89, "", 0x80, "b"), 20, nil},
	{"length of 126", clientFrame(0x82, make([]byte, 126)), 134, nil},
	{"length of 65536", clientFrame(0x82, make([]byte, 65536)), 65550, nil},
	{"anything after a close frame", append(clientFrame(0x88, nil), 0xff, 0xff, 0xff), 9, nil},
	{"unmasked", []byte{0x81, 0x01, 'x'}, 0, unmasked},
	{"RSV1 on a ping", clientFrame(0xc9, nil), 0, reservedBits},
	{"RSV1 on a continuation", append(clientFrame(0x41, nil), clientFrame(0xc0, nil)...), 6, reservedBits},
	{"RSV2 on text", clientFrame(0xa1, nil), 0, reservedBits},
	{"opcode 3", clientFrame(0x83, nil), 0, reservedOpcode},
	{"opcode 11", clientFrame(0x8b, nil), 0, reservedOpcode},
	{"fragmented ping", clientFrame(0x09, nil), 0, badControl},
	{"ping of 126 bytes", headerOf(0x89, 126, 2), 0, badControl},
	{"close with the top bit set", headerOf(0x88, 1<<63, 8), 0, badControl},
	{"stray continuation", clientFrame(0x80, nil), 0, strayFragment},
	{"message inside a message", append(clientFrame(0x01, nil), clientFrame(0x81, nil)...), 6, insideMessage},
	{"16-bit length of 125", headerOf(0x82, 125, 2), 0, badLength},
	{"64-bit length of 65535", headerOf(0x82, 65535, 8), 0, badLength},
	{"length with the top bit set", headerOf(0x82, 1<<63, 8), 0, topBit},
	{"length of all ones", headerOf(0x82, 1<<64-1, 8), 0, topBit},
	{"one byte more than the limit", headerOf(0x82, 100_001, 8), 0, tooLarge},
	{"fragments of more than the limit", append(clientFrame(0x02, make([]byte, 99_999)), headerOf(0x80, 2, 1)...),
		99_999 + 14, tooLarge},
	{"1,025 fragments", append(clientFrame(0x01, nil), bytes.Repeat(clientFrame(0x00, nil), 1024)...),
		6 * 1024, tooFragmented},
	{"513 pings", bytes.Repeat(clientFrame(0x89, nil), 513), 6 * 512, tooManyControls},
	{"text that is not UTF-8", clientFrame(0x81, []byte("h\xff")), 7, badText},
	{"text with a surrogate", clientFrame(0x81, []byte("abc\xed\xa0\x80")), 10, badText},
	{"binary that is not UTF-8", clientFrame(0x82, []byte("h\xff")), 8, nil},
	{"compressed data is not text yet", clientFrame(0xc1, []byte("h\xff")), 8, nil},
	{"a ping is no text", frames(0x01, "\xc5", 0x89, "\xff", 0x80, "\xbc"), 21, nil},
	{"bad in the second fragment", frames(0x01, "\xce\xba\xf4", 0x00, "\x90never read"), 9 + 6, badText},
	{"bad after a ping", frames(0x01, "\xf4", 0x89, "x", 0x00, "\x90"), 7 + 7 + 6, badText},
	{"text after bad binary", frames(0x02, "\xff", 0x80, "", 0x81, "z\xc0"), 7 + 6 + 7, badText},
	{"good, then bad", append(clientFrame(0x81, []byte("hello")), 0x81, 0x01), 11, unmasked},
}

// F46: text that is not UTF-8 is stopped inside the frame.
func TestGuard_StopsInFrontOfTheFirstBadFrame(t *testing.T) {
	for _, c := range guardCases {
		t.Run(c.name, func(t *testing.T) {
			pass, bad := newGuard(100_000, true).scan(c.bytes)
			if pass != c.pass || bad != c.fault {
				t.Errorf("passed %d bytes and found %+v; want %d and %+v", pass, bad, c.pass, c.fault)
			}
		})
	}
}

// F45: the size of a message bounds its fragments, so that empty and tiny ones do not come without end.
func TestGuard_FragmentsAreBoundedByWhatTheyCarry(t *testing.T) {
	const limit, most = 16 << 20, 4096
	for _, c := range []struct{ message, fragment int }{
		{4 << 20, 64}, {4 << 20, 256}, {4 << 20, 1023}, {4 << 20, 1024},
		{limit, 64}, {limit, 16}, {limit, fragmentBytes},
		{4096, 1}, {8192, 2}, {12_000, 3},
	} {
		g := &guard{limits: &frameLimits{message: limit, fragments: most, controls: 512}}
		fragment := clientFrame(0x00, make([]byte, c.fragment))
		if _, bad := g.scan(clientFrame(0x02, make([]byte, c.fragment))); bad != nil {
			t.Fatal(bad)
		}
		for sent := c.fragment; sent < c.message; sent += c.fragment {
			if sent+c.fragment >= c.message {
				fragment = clientFrame(0x80, make([]byte, c.message-sent))
			}
			if _, bad := g.scan(fragment); bad != nil {
				t.Errorf("%d bytes in fragments of %d: %s after %d", c.message, c.fragment, bad.detail, sent)
				break
			}
		}
	}
	for size, atMost := range map[int]int{0: most, 1: 2 * most, 2: 2 * most, 3: 4 * most} {
		g := &guard{limits: &frameLimits{message: limit, fragments: most, controls: 512}}
		flood := append(clientFrame(0x01, nil), bytes.Repeat(clientFrame(0x00, make([]byte, size)), 10*most)...)
		if pass, bad := g.scan(flood); bad != tooFragmented || pass > atMost*(6+size) {
			t.Errorf("a flood of fragments of %d bytes is stopped after %d (%v)", size, pass/(6+size), bad)
		}
	}
}

func TestGuard_RefusesCompressedFramesUnlessNegotiated(t *testing.T) {
	if _, bad := newGuard(100, false).scan(clientFrame(0xc1, nil)); bad != reservedBits {
		t.Errorf("found %+v, not %+v", bad, reservedBits)
	}
}

// However the stream is cut into reads, the same frames pass: a header that is cut is passed on in part at most.
func TestGuard_FindsTheSameWhereverTheStreamIsCut(t *testing.T) {
	for _, c := range guardCases {
		for _, size := range []int{1, 2, 3, 5, 7, 13} {
			t.Run(fmt.Sprint(c.name, "/", size), func(t *testing.T) {
				pass, bad := scanInPieces(newGuard(100_000, true), c.bytes, size)
				if bad != c.fault || pass < c.pass || pass > c.pass+9 {
					t.Errorf("passed %d bytes and found %+v; want %d and %+v", pass, bad, c.pass, c.fault)
				}
			})
		}
	}
}

func scanInPieces(g *guard, b []byte, size int) (pass int, bad *fault) {
	for len(b) > 0 && bad == nil {
		var n int
		n, bad = g.scan(b[:min(size, len(b))])
		pass += n
		b = b[min(size, len(b)):]
	}
	return pass, bad
}

func TestGuard_KnowsWhetherAMessageIsUnfinished(t *testing.T) {
	for _, c := range []struct {
		bytes  []byte
		midway bool
	}{
		{clientFrame(0x81, []byte("x")), false}, {clientFrame(0x81, []byte("x"))[:6], true}, {[]byte{0x81}, true},
		{clientFrame(0x01, []byte("x")), true}, {append(clientFrame(0x01, nil), clientFrame(0x80, nil)...), false},
		{append(clientFrame(0x01, nil), clientFrame(0x89, nil)...), true},
	} {
		g := newGuard(100, false)
		if _, bad := g.scan(c.bytes); bad != nil || g.midway() != c.midway {
			t.Errorf("% x: midway is %v, not %v (fault %v)", c.bytes, g.midway(), c.midway, bad)
		}
	}
}

func TestGuard_FaultsHaveCloseCodesThatMayBeSent(t *testing.T) {
	for _, c := range guardCases {
		f := c.fault
		if f == nil {
			continue
		}
		if !slices.Contains([]uint16{1002, 1007, 1008, 1009}, f.code) || f.detail == "" || f.reason.Status() == 500 {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// FuzzGuard, reliability.md check 62: whatever comes, cut anywhere, no frame reaches gws that it would mishandle, and
// the verdict does not depend on the cuts.
func FuzzGuard(f *testing.F) {
	for _, c := range guardCases {
		if len(c.bytes) < 4096 {
			f.Add(c.bytes, uint8(3), true)
			f.Add(c.bytes, uint8(1), false)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint8, deflate bool) {
		if len(b) > 3000 {
			return // more than 512 control frames: how many fall into one second is up to the clock
		}
		whole, bad := newGuard(1000, deflate).scan(b)
		if bad == nil && whole != len(b) {
			t.Fatalf("without a fault %d of %d bytes pass", whole, len(b))
		}
		pass, cutBad := scanInPieces(newGuard(1000, deflate), b, int(size)+1)
		if (bad == nil) != (cutBad == nil) || pass < whole || pass > whole+9 {
			t.Fatalf("whole: %d, %+v; in pieces of %d: %d, %+v", whole, bad, int(size)+1, pass, cutBad)
		}
		followFrames(t, b[:whole], bad, deflate)
	})
}

// followFrames checks the bytes that have passed by a plain reading of RFC 6455 section 5.
func followFrames(t *testing.T, b []byte, bad *fault, deflate bool) {
	inMessage := false
	for len(b) >= 2 {
		fin, rsv, op, n, head := b[0]>>7 == 1, b[0]>>4&7, b[0]&15, uint64(b[1]&127), 2
		if n == 126 {
			head = 4
		} else if n == 127 {
			head = 10
		}
		if len(b) < head {
			break
		}
		if n == 126 {
			n = uint64(binary.BigEndian.Uint16(b[2:]))
		} else if n == 127 {
			n = binary.BigEndian.Uint64(b[2:])
		}
		switch {
		case b[1]>>7 == 0, n > 1000, op > 2 && op < 8, op > 10, rsv&3 != 0,
			rsv == 4 && !(deflate && (op == 1 || op == 2)),
			op >= 8 && (n > 125 || !fin), op == 0 && !inMessage, op > 0 && op < 8 && inMessage:
			t.Fatalf("a bad frame has passed: % x", b[:head])
		}
		if op == 8 {
			return
		}
		if op < 8 {
			inMessage = !fin
		}
		b = b[min(uint64(len(b)), uint64(head)+4+n):]
	}
}

func BenchmarkGuard(b *testing.B) {
	for _, payload := range []int{16, 160, 4096} {
		stream := bytes.Repeat(clientFrame(0x81, make([]byte, payload)), 64)
		b.Run(fmt.Sprint(payload), func(b *testing.B) {
			g := newGuard(1<<20, false)
			b.ReportAllocs()
			for i := 0; i < b.N; i += 64 {
				if _, bad := g.scan(stream); bad != nil {
					b.Fatal(bad)
				}
			}
		})
	}
}
