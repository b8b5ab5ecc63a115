package config

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// F23: what an editor adds to a secret is never a part of it: one line break is left out, everything else is refused
// with words that do not repeat it.
func TestSecretFile_HoldsTheSecretOrIsRefused(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	for text, says := range map[string]string{
		secret: "", secret + "\n": "", secret + "\r\n": "", "with a blank inside " + secret: "",
		secret + "\nline two": "",
		"\ufeff" + secret:     "byte order mark", "\ufeff" + secret + "\r\n": "byte order mark",
		"\xff\xfe0\x001\x00": "UTF-16", "\xfe\xff\x000\x001": "UTF-16",
		secret + " ": "blanks", secret + "\t\n": "blanks", secret + " \r\n": "blanks", " " + secret: "blanks",
		"\n" + secret:   "blanks",
		secret + "\n\n": "blanks", secret + "\r\n\r\n": "blanks", secret + "\u00a0": "blanks",
		secret + "\u200b\n": "blanks",
		secret + "\x00":     "blanks", secret + "\ufeff": "blanks", secret + "\r": "", secret + "\r\r\n": "blanks",
	} {
		got, err := readSecret(write(t, "secret", text))
		switch {
		case says == "" && (err != nil || got != strings.TrimRight(text, "\r\n")):
			t.Errorf("%q: %q, %v", text, got, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "0123")):
			t.Errorf("%q: %q, %v; want %s", text, got, err, says)
		}
	}
	raw := make([]byte, 48)
	_, _ = rand.Read(raw)
	raw[0], raw[47] = 0x80, '\n' // no text: its last byte is as good as any other
	if got, err := readSecret(write(t, "secret", string(raw))); got != string(raw) || err != nil {
		t.Errorf("%d bytes of %d, %v", len(got), len(raw), err)
	}
}

// F23: check names the setting of each file whose secret would be another.
func TestCheck_NamesEveryFileWhoseSecretWouldBeAnother(t *testing.T) {
	const good = "0123456789abcdef0123456789abcdef"
	for name, text := range map[string]string{"blank": good + " \n", "mark": "\ufeff" + good} {
		file := write(t, name, text)
		loaded := Load(Sources{Protocols: protocols.All, File: write(t, "parley.yaml", `
tenants:
  - name: acme
    api_key_file: `+write(t, "keys", "\ufeff"+good)+`
    users_file: `+write(t, "users", "\ufeffalice")+`
    keys: [{secret_file: `+file+`}]
    cookie: {secret_key_file: `+file+`}
    outposts: [{uuid: `+anOutpost+`, token_file: `+file+`}]
    introspection: {url: "https://backend.example/", secret_file: `+file+`}
    lifecycle: {webhook: {url: "https://backend.example/", secret_file: `+file+`}}
`)})
		all := ""
		for _, p := range loaded.Problems {
			all += p.String() + "\n"
		}
		for _, key := range []string{"api_key_file: begins", "users_file: begins", "keys[0]: its file begins",
			"cookie.secret_key_file", "outposts[0]: its token_file begins",
			"introspection.secret_file: begins", "lifecycle.webhook.secret_file: begins"} {
			if !strings.Contains(all, "tenants[0]."+key) {
				t.Errorf("%s: no word about %s in\n%s", name, key, all)
			}
		}
		if strings.Contains(all, good[:8]) {
			t.Errorf("a secret shows in\n%s", all)
		}
	}
}
