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

// extensionAnswer is the answer to the extensions that a client offers. The zero value declines them all.
type extensionAnswer struct {
	header string // Sec-WebSocket-Extensions
	window window // to compress with
}

// negotiate accepts the first compression offer that can be met, if there is one (RFC 7692 section 5.1). It skips bad
// offers; if the list cannot be read, it declines everything.
func negotiate(lines []string) (answer extensionAnswer) {
	list := strings.Join(lines, ",")
	if len(list) > offerBytes {
		return extensionAnswer{}
	}
	rest := offerParser(list)
	for {
		offer, more, ok := rest.offer()
		if !ok {
			return extensionAnswer{}
		}
		if answer.window == noWindow && offer.name == deflateName {
			answer = answerDeflate(offer.params)
		}
		if !more {
			return answer
		}
	}
}

// extensionOffer is one extension that a client offers.
type extensionOffer struct {
	name   string
	params []extensionParam
}

type extensionParam struct {
	name, value string
	hasValue    bool
}

// answerDeflate accepts one permessage-deflate offer, or declines it. It can meet every window size: we send with the
// size that is asked for or a smaller one, and read with the largest whatever the client uses.
func answerDeflate(params []extensionParam) extensionAnswer {
	answer := extensionAnswer{deflateAnswer, wideWindow}
	for i, p := range params {
		for _, before := range params[:i] {
			if before.name == p.name {
				return extensionAnswer{}
			}
		}
		switch p.name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if p.hasValue {
				return extensionAnswer{}
			}
		case "server_max_window_bits":
			bits, ok := windowBits(p.value)
			if !ok {
				return extensionAnswer{}
			}
			answer = extensionAnswer{windowAnswer + strconv.Itoa(min(bits, wideBits)), windowFor(bits)}
		case "client_max_window_bits":
			if _, ok := windowBits(p.value); p.hasValue && !ok {
				return extensionAnswer{}
			}
		default:
			return extensionAnswer{}
		}
	}
	return answer
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

// offerParser is what is left of an extension list (RFC 6455 section 9.1).
type offerParser string

// offer reads one extension with its parameters; more reports that a comma, and thus another extension, follows.
func (p *offerParser) offer() (o extensionOffer, more, ok bool) {
	for p.consume(',') { // empty list elements are allowed (RFC 9110 section 5.6.1)
	}
	if p.skipSpaces(); *p == "" {
		return o, false, true
	}
	if o.name, ok = p.token(); !ok {
		return o, false, false
	}
	for p.consume(';') {
		param, ok := p.param()
		if !ok {
			return o, false, false
		}
		o.params = append(o.params, param)
	}
	if p.consume(',') {
		return o, true, true
	}
	return o, false, *p == ""
}

func (p *offerParser) param() (param extensionParam, ok bool) {
	if param.name, ok = p.token(); !ok || !p.consume('=') {
		return param, ok
	}
	param.hasValue = true
	if p.consume('"') {
		param.value, ok = p.quoted()
	} else {
		param.value, ok = p.token()
	}
	return param, ok
}

// consume skips spaces and then c, if it comes next.
func (p *offerParser) consume(c byte) bool {
	p.skipSpaces()
	if *p == "" || (*p)[0] != c {
		return false
	}
	*p = (*p)[1:]
	return true
}

func (p *offerParser) skipSpaces() { *p = offerParser(strings.TrimLeft(string(*p), " \t")) }

// token reads a token of RFC 9110 section 5.6.2.
func (p *offerParser) token() (string, bool) {
	p.skipSpaces()
	n := 0
	for n < len(*p) && isToken((*p)[n]) {
		n++
	}
	word := string((*p)[:n])
	*p = (*p)[n:]
	p.skipSpaces()
	return word, n > 0
}

// quoted reads the rest of a quoted string. Its value must be a token as well (RFC 6455 section 9.1), so escapes are
// declined.
func (p *offerParser) quoted() (string, bool) {
	word, rest, found := strings.Cut(string(*p), `"`)
	*p = offerParser(rest)
	p.skipSpaces()
	for i := range len(word) {
		if !isToken(word[i]) {
			return "", false
		}
	}
	return word, found && word != ""
}

func isToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
