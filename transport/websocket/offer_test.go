package websocket

import (
	"strings"
	"testing"
)

var offerCases = []struct {
	name   string
	lines  []string
	answer string
}{
	{"none", nil, ""},
	{"plain", []string{"permessage-deflate"}, deflateAnswer},
	{"a browser's", []string{"permessage-deflate; client_max_window_bits"}, deflateAnswer},
	{"Python's", []string{"permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"}, windowAnswer},
	{"quoted", []string{`permessage-deflate; server_max_window_bits="15"`}, windowAnswer},
	{"Go's", []string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}, deflateAnswer},
	{"on a second line", []string{"x-unknown; a=1", "permessage-deflate"}, deflateAnswer},
	{"behind a bad one", []string{"permessage-deflate; nonsense, permessage-deflate; server_max_window_bits=77, permessage-deflate"}, deflateAnswer},
	{"empty elements", []string{" , ,permessage-deflate,, "}, deflateAnswer},
	{"window smaller than ours", []string{"permessage-deflate; server_max_window_bits=11"}, ""},
	{"smaller, then none", []string{"permessage-deflate; server_max_window_bits=9, permessage-deflate"}, deflateAnswer},
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
	{"rubbish behind a good one", []string{"permessage-deflate, \x00"}, ""},
	{"too long to look at", []string{"permessage-deflate", strings.Repeat("x,", 3000)}, ""},
}

func TestOffer_FirstThatFitsIsAnswered(t *testing.T) {
	for _, c := range offerCases {
		t.Run(c.name, func(t *testing.T) {
			if got := negotiate(c.lines); got != c.answer {
				t.Errorf("%q is answered with %q, not %q", c.lines, got, c.answer)
			}
		})
	}
}

// FuzzOffer, reliability.md check 62: an answer is one of two, and given only to who asked for compression with a window that is not smaller than ours.
func FuzzOffer(f *testing.F) {
	for _, c := range offerCases {
		f.Add(strings.Join(c.lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		switch got := negotiate(strings.Split(text, "\n")); got {
		case "":
		case deflateAnswer:
			if !strings.Contains(text, deflateName) {
				t.Fatalf("%q was never offered", got)
			}
		case windowAnswer:
			if !strings.Contains(text, "server_max_window_bits") || !strings.ContainsAny(text, "2345") {
				t.Fatalf("%q was never offered", got)
			}
		default:
			t.Fatalf("answer %q", got)
		}
	})
}
