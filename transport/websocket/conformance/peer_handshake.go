package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"
)

// ask sends a request and reads the answer.
func (p *peer) ask(r *request) (*response, error) {
	if err := p.writeIn(r.chop, append(r.bytes(), r.behind...)); err != nil && !errors.Is(err, errDropped) {
		return nil, err
	}
	return p.response()
}

// accepted sends a request and wants it accepted.
func (p *peer) accepted(r *request) (*response, error) {
	answer, err := p.ask(r)
	if err == nil {
		err = answer.accepts(r)
	}
	if errors.Is(err, errDropped) {
		err = fail("dropped instead of an answer to the handshake")
	}
	return answer, err
}

// headLimit bounds the head of a response, in bytes.
const headLimit = 1 << 20

// response reads the head of a response byte by byte, so that what follows stays unread.
func (p *peer) response() (*response, error) {
	deadline := time.Now().Add(p.Timeout)
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b, err := p.stream.next(p.ctx, 1, deadline)
		switch {
		case errors.Is(err, errTimeout):
			return nil, fail("no HTTP response within %v", p.Timeout)
		case err != nil:
			return nil, err
		case len(head) > headLimit:
			return nil, fail("the head of the response does not end")
		}
		head = append(head, b...)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return nil, fail("no HTTP response: %q", head[:min(len(head), 40)])
	}
	parsed, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		return nil, fail("a broken HTTP response: %v", err)
	}
	return &response{parsed.StatusCode, parsed.Header}, nil
}

// agree sets up the connection by the server's answer to the offers.
func (p *peer) agree(o opening, answer []string) error {
	if len(answer) == 0 {
		return nil
	}
	chosen, err := agreed(o.offers, strings.Join(answer, ","))
	if err != nil {
		return err
	}
	most := 15 // a client that offers a smaller window keeps to it, whatever is answered
	for _, offered := range o.offers {
		most = min(most, offered.bits(clientBits))
	}
	p.deflate = newDeflate(chosen, o.level, most)
	return nil
}
