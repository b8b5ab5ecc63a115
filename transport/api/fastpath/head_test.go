package fastpath

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"
)

// FuzzHead: a head that the fast path takes is one that net/http reads in the same way, to the same byte.
func FuzzHead(f *testing.F) {
	for _, c := range requests {
		if len(c.text) < 2000 {
			f.Add([]byte(c.text))
		}
	}
	all := routes()
	f.Fuzz(func(t *testing.T, text []byte) {
		h, ok := parseHead(text, all)
		if !ok {
			return
		}
		rest := bytes.NewReader(text)
		in := bufio.NewReader(rest)
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http does not take %q: %v", text, err)
		}
		if size := len(text) - rest.Len() - in.Buffered(); size != h.size {
			t.Fatalf("the head of %q has %d bytes, not %d", text, size, h.size)
		}
		if r.Method != "POST" || r.RequestURI != h.route.Path || r.URL.Path != h.route.Path || !r.ProtoAtLeast(1, 1) ||
			r.ProtoMinor != 1 || r.ContentLength != int64(h.contentLength) || r.TransferEncoding != nil ||
			r.Close != h.last ||
			r.Host == "" || r.Header.Get("Expect") != "" || r.Header.Get("Upgrade") != "" {
			t.Fatalf("%q is %+v", text, r)
		}
		for name, value := range map[string][]byte{"Authorization": h.authorization, "X-Api-Key": h.apiKey} {
			lines := r.Header[name]
			if len(lines) > 1 || (len(lines) == 1) != (value != nil) || value != nil && lines[0] != string(value) {
				t.Fatalf("%s of %q is %q, not %q", name, text, lines, value)
			}
		}
	})
}
