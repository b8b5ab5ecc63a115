package websocket

import (
	"strconv"
	"strings"
	"testing"
)

var extensionCases = []struct {
	name   string
	lines  []string
	answer string
}{
	{"none", nil, ""},
	{"plain", []string{"permessage-deflate"}, deflateAnswer},
	{"a browser's", []string{"permessage-deflate; client_max_window_bits"}, deflateAnswer},
	{"Python's", []string{"permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"},
		windowAnswer + "12"},
	{"quoted", []string{`permessage-deflate; server_max_window_bits="15"`}, windowAnswer + "12"},
	{"Go's", []string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}, deflateAnswer},
	{"on a second line", []string{"x-unknown; a=1", "permessage-deflate"}, deflateAnswer},
	{"after bad ones", []string{"permessage-deflate; nonsense, " +
		"permessage-deflate; server_max_window_bits=77, permessage-deflate"}, deflateAnswer},
	{"empty elements", []string{" , ,permessage-deflate,, "}, deflateAnswer},
	{"window of 11", []string{"permessage-deflate; server_max_window_bits=11"}, windowAnswer + "11"},
	{"window of 9", []string{"permessage-deflate; server_max_window_bits=9"}, windowAnswer + "9"},
	{"windows of 8", []string{"permessage-deflate; client_max_window_bits=8; server_max_window_bits=8"},
		windowAnswer + "8"},
	{"9, then any", []string{"permessage-deflate; server_max_window_bits=9, permessage-deflate"}, windowAnswer + "9"},
	{"window of 7", []string{"permessage-deflate; server_max_window_bits=7"}, ""},
	{"window of 16", []string{"permessage-deflate; server_max_window_bits=16"}, ""},
	{"window of 012", []string{"permessage-deflate; server_max_window_bits=012"}, ""},
	{"window without value", []string{"permessage-deflate; server_max_window_bits"}, ""},
	{"client window of 7", []string{"permessage-deflate; client_max_window_bits=7"}, ""},
	{"takeover with value", []string{"permessage-deflate; server_no_context_takeover=1"}, ""},
	{"parameter twice", []string{"permessage-deflate; client_no_context_takeover; client_no_context_takeover"}, ""},
	{"another name", []string{"permessage-deflatefoo; client_max_window_bits", "x-permessage-deflate"}, ""},
	{"comma inside quotes", []string{`x; y="a,permessage-deflate"`}, ""},
	{"open quote", []string{`permessage-deflate; server_max_window_bits="12`}, ""},
	{"no list at all", []string{"permessage-deflate; ; ="}, ""},
	{"rubbish after a good one", []string{"permessage-deflate, \x00"}, ""},
	{"too long to look at", []string{"permessage-deflate", strings.Repeat("x,", 3000)}, ""},
}

// F46: a window of 8 to 11 bits is accepted as well.
func TestExtension_FirstOfferThatFitsIsAnswered(t *testing.T) {
	for _, c := range extensionCases {
		t.Run(c.name, func(t *testing.T) {
			if got := negotiate(c.lines); got.header != c.answer || (got.window == noWindow) != (c.answer == "") {
				t.Errorf("%q is answered with %+v, not %q", c.lines, got, c.answer)
			}
		})
	}
}

// FuzzExtension, reliability.md check 62: an answer is one of a few, and given only to a client that asked for
// compression; we compress with no larger window than it asked for.
func FuzzExtension(f *testing.F) {
	for _, c := range extensionCases {
		f.Add(strings.Join(c.lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := negotiate(strings.Split(text, "\n"))
		bits, limited := strings.CutPrefix(got.header, windowAnswer)
		switch {
		case got == extensionAnswer{}:
		case !strings.Contains(text, deflateName):
			t.Fatalf("%+v was never offered", got)
		case limited:
			n, err := strconv.Atoi(bits)
			asked := strings.Contains(text, "server_max_window_bits") && (n == wideBits || strings.Contains(text, bits))
			if err != nil || n < 8 || n > wideBits || got.window != windowFor(n) || !asked {
				t.Fatalf("%+v was never offered", got)
			}
		case got.header != deflateAnswer || got.window != wideWindow:
			t.Fatalf("answer %+v", got)
		}
	})
}
