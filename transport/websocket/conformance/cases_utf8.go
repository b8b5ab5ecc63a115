package conformance

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// Group 6: text is UTF-8 (RFC 6455 sections 5.6 and 8.1, RFC 3629).
func utf8Texts(c *collection) {
	g := c.group("6", "UTF-8", "RFC 6455 5.6")
	for _, s := range goodTexts() {
		data := []byte(s.bytes)
		g.echo("valid: "+s.name, sendEach(message(opText, data)), wantEcho(opText, data), finished)
		if len(data) > 1 {
			g.echo("valid: "+s.name+", one byte per fragment", fragmented(opText, fragments(opText, data, 1))...)
		}
	}
	long := prose(400)
	g.echo("valid: long text, fragments of 3, byte by byte",
		sendIn(1, fragments(opText, long, 3)...), wantEcho(opText, long), finished)

	g.section = "RFC 6455 8.1"
	for _, s := range badTexts() {
		invalid(g, s)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	g.section = "RFC 6455 5.6"
	g.echo("binary messages are not checked for UTF-8", echoed(opBinary, every), finished)
	failFast(g)
	moreTexts(g)
}

// moreTexts are texts that Autobahn has, too.
func moreTexts(g *group) {
	invalid(g, sequence{"incomplete sequences in a row", "\xc3\xe2\x82\xf0\x9f\x9c\xc3", false})
	invalid(g, sequence{"every first byte of two, each before a space", spaced(0xC2, 0xDF), false})
	invalid(g, sequence{"every first byte of three, each before a space", spaced(0xE0, 0xEF), false})
	invalid(g, sequence{"every first byte of four, each before a space", spaced(0xF0, 0xF4), false})
	for _, s := range slices.Concat(
		family("continuation bytes %s", "80bf 80bf80 80bf80bf80bf", "", false),
		family("surrogate pair %s",
			"eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf "+
				"edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf", "", false),
		family("overlong form %s", "f8808080af fc80808080af f887bfbfbf fc83bfbfbfbf", "", false),
	) {
		invalid(g, s)
	}
	g.section = "RFC 3629 3"
	var ends []byte // the last two code points of each plane are no characters, and may be sent
	for plane := rune(0); plane <= 16; plane++ {
		ends = utf8.AppendRune(utf8.AppendRune(ends, plane<<16|0xFFFE), plane<<16|0xFFFF)
	}
	g.echo("valid: the ends of all planes", echoed(opText, ends), finished)
	g.echo("valid: the ends of all planes, one byte per fragment", fragmented(opText, fragments(opText, ends, 1))...)
}

// invalid adds the cases of a text that is not UTF-8.
func invalid(g *group, s sequence) {
	data := "before " + s.bytes
	if !s.last {
		data += " after"
	}
	g.live("invalid: "+s.name, send(text(data)), violated(badData))
	g.live("invalid: "+s.name+", one byte per fragment", send(fragments(opText, []byte(data), 1)...), violated(badData))
}

func spaced(first, last int) string {
	var b []byte
	for i := first; i <= last; i++ {
		b = append(b, byte(i), ' ')
	}
	return string(b)
}

// failFast adds cases of how soon invalid text is found. A server may wait for the end of the message; a careful one
// does not.
func failFast(g *group) {
	g.section = "RFC 6455 8.1"
	// The character above U+10FFFF cannot be right from its second byte on.
	first, second := text("ok").unfinished(), continuation("\xce\xba\xf4\x90").unfinished()
	rest := continuation("\x80\x80end")
	g.live("invalid text is refused before its last fragment", foundBefore(bytesOf(rest), sendEach(first, second)))
	g.live("invalid text is refused at its first fragment",
		foundBefore(bytesOf(continuation("end")), send(text("bad \xff").unfinished())))

	g.live("invalid text is refused before its last fragment, byte by byte",
		foundBefore(bytesOf(rest), sendIn(1, first, second)))
	zero := [4]byte{}
	whole := bytesOf(text("κόσμε\xf4\x90\x80\x80edited").keyed(zero))
	bad := len(whole) - len("\x80\x80edited")
	g.live("invalid text is refused inside of its frame", foundBefore(whole[bad:], sendBytes(whole[:bad])))
	g.live("invalid text is refused inside of its frame, byte by byte", foundBefore(whole[bad:], func(p *peer) error {
		return unlessDropped(p.writeIn(1, whole[:bad]))
	}))
}

// foundBefore wants invalid text refused before the rest of it is sent.
func foundBefore(rest []byte, begin step) step {
	return func(p *peer) error {
		err := all(begin, violatedWithin(p.Timeout/2, badData))(p)
		if !wasIgnored(err) {
			return err
		}
		if err := all(sendBytes(rest), violated(badData))(p); err != nil {
			return err
		}
		return weak("invalid text was noticed only when there was more of it")
	}
}

// sequence is a text with a name.
type sequence struct {
	name, bytes string
	last        bool // nothing may follow it
}

func goodTexts() []sequence {
	all := []sequence{
		{"empty text", "", false},
		{"Polish, Japanese, emoji", "zażółć gęślą jaźń — 日本語 — 🜁🜂🜃🜄", false},
		{"NUL characters", "a\x00b\x00", false},
		{"byte order mark", "\ufeffwith mark", false},
		{"combining marks", "e\u0301a\u0308o\u0302", false},
	}
	for _, point := range strings.Fields("007F 0080 07FF 0800 0FFF 1000 CFFF D000 D7FF E000 FFFD FFFE FFFF " +
		"10000 1FFFE 1FFFF 3FFFF 40000 FFFFF 100000 10FFFE 10FFFF") {
		all = append(all, sequence{"code point U+" + point, string(parseRune(point)), false})
	}
	return all
}

func parseRune(digits string) (r rune) {
	for _, d := range digits {
		r = r<<4 | rune(strings.IndexRune("0123456789ABCDEF", d))
	}
	return r
}

func badTexts() []sequence {
	var run []byte
	for b := 0x80; b < 0xC0; b++ {
		run = append(run, byte(b))
	}
	return slices.Concat(
		family("lone continuation byte %s", "80 bf", "", false),
		[]sequence{{"run of continuation bytes", string(run), false}},
		family("lead byte %s then a space", "c2 df e0 e1 ef f0 f1 f4", " ", false),
		family("sequence %s cut short, then ASCII", "e282 f09f f09f9c", "a", false),
		family("message ends inside a sequence (%s)", "c3 e2 e282 f0 f09f f09f9c", "", true),
		family("overlong form %s", "c080 c1bf c0af e08080 e09fbf e080af f0808080 f08fbfbf f08080af", "", false),
		family("surrogate %s", "eda080 edadbf edaebf edafbf edb080 edbe80 edbfbf", "", false),
		family("surrogate pair in UTF-8", "eda0bdedb882", "", false),
		family("above U+10FFFF: %s", "f4908080 f5808080 f7bfbfbf", "", false),
		family("five or six byte form %s",
			"f888808080 fbbfbfbfbf fc8480808080 fdbfbfbfbfbf f880808080 fc8080808080", "", false),
		family("impossible byte %s", "fe ff fefeffff", "", false),
		family("wrong continuation in %s", "c328 e228a1 e28228 f0288cbc f0902838 f09028bc f09f9c28", "", false),
	)
}

// family makes texts of sequences in hexadecimal; %s in the name is the sequence.
func family(name, sequences, behind string, last bool) (all []sequence) {
	for _, digits := range strings.Fields(sequences) {
		b, err := hex.DecodeString(digits)
		if err != nil {
			panic(err)
		}
		all = append(all, sequence{strings.Replace(name, "%s", digits, 1), string(b) + behind, last})
	}
	return all
}
