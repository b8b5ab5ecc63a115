package websocket

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-realtime/parley/protocol"
)

// valid is how much of b may be the beginning of text, byte by byte, by the standard library.
func valid(b []byte) (good int) {
	for good < len(b) {
		r, size := utf8.DecodeRune(b[good:])
		if r != utf8.RuneError || size != 1 {
			good += size
			continue
		}
		for n := min(3, len(b)-good); n > 0; n-- { // the beginning of a character, at its longest
			if !utf8.FullRune(b[good : good+n]) {
				return good + n
			}
		}
		return good
	}
	return good
}

// masked is what follows the header of a frame from a client.
func masked(mask [4]byte, payload []byte) []byte {
	b := append([]byte(nil), mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

var utf8Texts = []string{
	"", "plain", "zażółć gęślą jaźń", "κόσμε", "日本語のテキスト", "🙂🙃",
	strings.Repeat("long and plain ", 20) + "ż" + strings.Repeat("and plain again ", 9),
	"\xff", "a\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xed\xa0\x80", "\xef\xbf\xbf",
	"\xf0\x8f\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80", "\x80",
	"\xe3\x81", "\xe3\x81x", "\xf0\x9f\x99", "\xf0\x9f\x99\xc0", "0123456\xce\xba0123456\xce",
	strings.Repeat("x", 31) + "\xff",
}

// F46: the first byte that makes a text impossible is found, wherever the text is cut.
func FuzzUTF8(f *testing.F) {
	for _, text := range utf8Texts {
		f.Add([]byte(text), uint32(0x01020304), uint8(3))
		f.Add([]byte(text), uint32(0x80ff00aa), uint8(40))
	}
	f.Fuzz(func(t *testing.T, text []byte, key uint32, size uint8) {
		want := 4 + valid(text)
		b := masked([4]byte{byte(key), byte(key >> 8), byte(key >> 16), byte(key >> 24)}, text)
		var v utf8Validator
		v.begin(true)
		v.frame(true)
		good := 0
		for good < len(b) {
			piece := b[good:min(good+int(size)+1, len(b))]
			n := v.scan(piece)
			if good += n; n < len(piece) {
				break
			}
		}
		if good != want {
			t.Fatalf("%q may be text for %d bytes, not %d", text, want-4, good-4)
		}
		if whole := good == len(b) && v.need == 0; whole != utf8.Valid(text) {
			t.Fatalf("%q: whole text is %v", text, whole)
		}
	})
}

// F46 (Autobahn 6.4.1 to 6.4.4): the socket is closed at the bad byte, while the rest of the message is still to come.
func TestClosing_BadTextEndsTheSocketBeforeTheMessageIsWhole(t *testing.T) {
	const good, bad, rest = "κόσμε", "\xf4\x90\x80\x80", "edited"
	mask := [4]byte{0x9a, 0x01, 0xfe, 0x33}
	frame := func(first byte, payload string, length int) []byte {
		return append([]byte{first, 0x80 | byte(length)}, masked(mask, []byte(payload))...)
	}
	whole := len(good + bad + rest)
	for name, sent := range map[string][][]byte{
		"in the second of three fragments": {frame(0x01, good, len(good)), frame(0x00, bad, len(bad))},
		"in the third, at the second byte of its character": {
			frame(0x01, good, len(good)), frame(0x00, "\xf4", 1), frame(0x00, "\x90", 1)},
		"inside the only frame": {frame(0x81, good+bad, whole)},
		"inside the only frame, cut in its character": {
			frame(0x81, good+"\xf4", whole), masked(mask, []byte(good+"\xf4\x90"))[4+len(good)+1:]},
	} {
		for _, chopped := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/", chopped), func(t *testing.T) {
				s := newServer(t, nil)
				server, conn := tcpWithDeadline(t)
				link := newTestLink(func([]byte, bool) { t.Error("the message was passed on") })
				newTestSocket(s, server, link, 4096, "")
				for _, part := range sent {
					if !chopped {
						conn.Write(part)
						continue
					}
					for _, b := range part {
						conn.Write([]byte{b})
					}
				}
				newClient(conn).wantClose(t, 1007)
				conn.Close()
				if reason := await(t, "Gone", link.gone); reason != protocol.Malformed {
					t.Errorf("gone as %s", reason)
				}
			})
		}
	}
}
