package websocket

import (
	"strconv"
	"strings"
)

const (
	deflateName   = "permessage-deflate"
	deflateAnswer = deflateName + "; server_no_context_takeover; client_no_context_takeover"
	windowAnswer  = deflateAnswer + "; server_max_window_bits="

	// offerBytes bounds the Sec-WebSocket-Extensions lines that are looked at; longer ones are declined unread.
	offerBytes = 4096
)

// agreement is what is answered to the extensions that a client offers, and what we compress with then. The zero value
// is none.
type agreement struct {
	answer string
	window window
}

// negotiate agrees to the first compression offer that can be met, if there is one (RFC 7692 section 5.1). A bad offer
// is declined and the next one looked at; a list that is no list declines everything.
func negotiate(lines []string) (agreed agreement) {
	list := strings.Join(lines, ",")
	if len(list) > offerBytes {
		return agreement{}
	}
	rest := tokens(list)
	for {
		name, params, more, ok := rest.extension()
		if !ok {
			return agreement{}
		}
		if agreed.window == noWindow && name == deflateName {
			agreed = agree(params)
		}
		if !more {
			return agreed
		}
	}
}

// param is one parameter of an extension offer.
type param struct {
	name, value string
	valued      bool
}

// agree agrees to one permessage-deflate offer, or declines it. Windows of any size can be had: we send with the one
// that is asked for or a smaller one, and read with the largest whatever the client uses.
func agree(params []param) agreement {
	agreed := agreement{deflateAnswer, wideWindow}
	for i, p := range params {
		for _, before := range params[:i] {
			if before.name == p.name {
				return agreement{}
			}
		}
		switch p.name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if p.valued {
				return agreement{}
			}
		case "server_max_window_bits":
			bits, ok := windowBits(p.value)
			if !ok {
				return agreement{}
			}
			agreed = agreement{windowAnswer + strconv.Itoa(min(bits, wideBits)), windowFor(bits)}
		case "client_max_window_bits":
			if _, ok := windowBits(p.value); p.valued && !ok {
				return agreement{}
			}
		default:
			return agreement{}
		}
	}
	return agreed
}

// windowBits reads 8 to 15 without leading zeros.
func windowBits(value string) (bits int, ok bool) {
	switch {
	case len(value) == 1 && (value[0] == '8' || value[0] == '9'):
		return int(value[0] - '0'), true
	case len(value) == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5':
		return 10 + int(value[1]-'0'), true
	}
	return 0, false
}

// tokens is what is left of an extension list (RFC 6455 section 9.1).
type tokens string

// extension takes one extension with its parameters; more says that a comma and thus another one follows.
func (t *tokens) extension() (name string, params []param, more, ok bool) {
	for t.take(',') { // empty list elements are allowed (RFC 9110 section 5.6.1)
	}
	if t.spaces(); *t == "" {
		return "", nil, false, true
	}
	if name, ok = t.token(); !ok {
		return "", nil, false, false
	}
	for t.take(';') {
		p, ok := t.param()
		if !ok {
			return "", nil, false, false
		}
		params = append(params, p)
	}
	if t.take(',') {
		return name, params, true, true
	}
	return name, params, false, *t == ""
}

func (t *tokens) param() (p param, ok bool) {
	if p.name, ok = t.token(); !ok || !t.take('=') {
		return p, ok
	}
	p.valued = true
	if t.take('"') {
		p.value, ok = t.quoted()
	} else {
		p.value, ok = t.token()
	}
	return p, ok
}

// take skips spaces and then c, if it comes next.
func (t *tokens) take(c byte) bool {
	t.spaces()
	if *t == "" || (*t)[0] != c {
		return false
	}
	*t = (*t)[1:]
	return true
}

func (t *tokens) spaces() { *t = tokens(strings.TrimLeft(string(*t), " \t")) }

// token takes a token of RFC 9110 section 5.6.2.
func (t *tokens) token() (string, bool) {
	t.spaces()
	n := 0
	for n < len(*t) && isToken((*t)[n]) {
		n++
	}
	word := string((*t)[:n])
	*t = (*t)[n:]
	t.spaces()
	return word, n > 0
}

// quoted takes the rest of a quoted string. What it says must be a token as well (RFC 6455 section 9.1), so escapes are declined.
func (t *tokens) quoted() (string, bool) {
	word, rest, found := strings.Cut(string(*t), `"`)
	*t = tokens(rest)
	t.spaces()
	for i := range len(word) {
		if !isToken(word[i]) {
			return "", false
		}
	}
	return word, found && word != ""
}

func isToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
