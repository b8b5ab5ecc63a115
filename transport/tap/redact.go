package tap

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

const hidden = `"[redacted]"`

// secretWords are parts of the names under which secrets stand, in lower case and without "_" and "-".
var secretWords = []string{
	"token", "ticket", "secret", "passw", "cookie", "credential", "jwt", "apikey", "authorization", "bearer",
	"session", "signature", "accesskey", "privatekey",
}

// structure are the members of a login that are shown: what kind of message it is.
var structure = []string{"type", "event", "action", "op", "command", "method", "id"}

// telltale finds what tells of a secret inside a text: a JWT, an HTTP credential, a parameter of a URL or a member of
// JSON inside a string.
var telltale = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]*|(?i:\b(bearer|basic) +\S)|` +
	`(?i:(token|ticket|secret|passw\w*|cookie|credential|jwt|api[_-]?key|authorization|session\w*|signature)` +
	`\\*"?\s*[=:])`)

func tellsOfSecret(text string) bool { return telltale.MatchString(text) }

// secretName reports whether what stands under a name is secret.
func secretName(name string) bool {
	name = strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	return name == "auth" ||
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// redact returns JSON, one value or several, with its secrets hidden and all else as it is; false if it is no JSON.
// Nothing but structure is left of a login. tokens are hidden wherever they
// stand.
func redact(data []byte, login bool, tokens []string) ([]byte, bool) {
	r := redaction{login: login, tokens: tokens, in: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	r.decoder.UseNumber()
	for {
		err := r.next()
		switch {
		case errors.Is(err, io.EOF) && len(r.stack) == 0 && len(data) > 0:
			return append(r.out, data[r.copied:]...), true
		case err != nil:
			return nil, false
		}
	}
}

// redaction is the state of redact.
type redaction struct {
	login   bool
	tokens  []string
	in      []byte
	decoder *json.Decoder
	out     []byte // what is done
	copied  int    // bytes of in that are done
	stack   []level
}

// level is an object or array that is not complete.
type level struct {
	object, named bool // named: the name is read and the value comes
	name          string
	secret        bool // all in it is
}

// next reads one token of the JSON.
func (r *redaction) next() error {
	from := r.decoder.InputOffset()
	token, err := r.decoder.Token()
	if err != nil {
		return err
	}
	top := &level{}
	if n := len(r.stack); n > 0 {
		top = &r.stack[n-1]
	}
	switch v := token.(type) {
	case json.Delim:
		r.delimiter(v, top)
		return nil
	case string:
		if top.object && !top.named {
			top.name, top.named = v, true
			if r.isSecret(v) || len(v) > 64 {
				r.hide(from)
			}
			return nil
		}
		if top.secret || secretName(top.name) || r.isSecret(v) || r.login && !slices.Contains(structure, top.name) {
			r.hide(from)
		}
	case json.Number:
		if top.secret || secretName(top.name) {
			r.hide(from)
		}
	}
	top.named = false
	return nil
}

// delimiter begins or ends an object or array; top is the one around it, or itself at its end.
func (r *redaction) delimiter(d json.Delim, top *level) {
	if d == '}' || d == ']' {
		r.stack = r.stack[:len(r.stack)-1]
		return
	}
	within := level{object: d == '{', secret: top.secret || secretName(top.name)}
	if d == '[' {
		within.name = top.name
	}
	top.named = false
	r.stack = append(r.stack, within)
}

// isSecret reports whether a text holds one of the tokens or tells of a secret.
func (r *redaction) isSecret(text string) bool {
	holds := func(token string) bool { return token != "" && strings.Contains(text, token) }
	return slices.ContainsFunc(r.tokens, holds) || tellsOfSecret(text)
}

// hide replaces the token that was just read; from is where the one before it ended.
func (r *redaction) hide(from int64) {
	begin := int(from)
	for strings.IndexByte(" \t\r\n:,", r.in[begin]) >= 0 {
		begin++
	}
	r.out = append(append(r.out, r.in[r.copied:begin]...), hidden...)
	r.copied = int(r.decoder.InputOffset())
}
