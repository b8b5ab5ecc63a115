package conformance

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// session is one case while it is played: it opens connections and ends them all.
type session struct {
	*endpoint
	ctx   context.Context
	peers []*peer
}

// connect opens a connection on which nothing was sent.
func (s *session) connect() (*peer, error) {
	conn, err := s.dial(s.ctx)
	if err != nil {
		return nil, fail("cannot connect: %v", err)
	}
	p := &peer{session: s, conn: conn, receiver: receiver{stream: newStream(conn)}}
	s.peers = append(s.peers, p)
	return p, nil
}

// end aborts the open connections.
func (s *session) end() {
	for _, p := range s.peers {
		p.abort()
	}
}

// opening is how a connection is opened: plainly, or with offers of permessage-deflate.
type opening struct {
	offers []offer
	level  int // of the client's compression
}

// open finishes an opening handshake, checks it, and logs in if the target asks for that.
func (s *session) open(o opening) (*peer, error) {
	p, err := s.connect()
	if err != nil {
		return nil, err
	}
	r := s.request()
	if len(o.offers) > 0 {
		r.add("Sec-WebSocket-Extensions", offersText(o.offers))
	}
	answer, err := p.accepted(r)
	if err != nil {
		return nil, err
	}
	if err := p.agree(o, answer.header.Values("Sec-WebSocket-Extensions")); err != nil {
		return nil, err
	}
	for _, first := range s.SendFirst {
		if err := p.send(text(first)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// openDeflated is open, and skips the case if the server does not compress.
func (s *session) openDeflated(o opening) (*peer, error) {
	p, err := s.open(o)
	if err == nil && p.deflate == nil {
		return nil, skip("the server did not accept permessage-deflate")
	}
	return p, err
}

// play opens a connection and takes the steps on it.
func (s *session) play(o *opening, steps ...step) error {
	var p *peer
	var err error
	if o == nil {
		p, err = s.open(opening{})
	} else {
		p, err = s.openDeflated(*o)
	}
	if err != nil {
		return err
	}
	return all(steps...)(p)
}

// request makes an opening handshake and edits it.
func (s *session) request(edits ...edit) *request {
	key := make([]byte, 16)
	rand.Read(key)
	r := &request{method: "GET", path: s.address.RequestURI(), version: "HTTP/1.1", lines: []line{
		{"Host", s.address.Host}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"},
		{"Sec-WebSocket-Key", base64.StdEncoding.EncodeToString(key)}, {"Sec-WebSocket-Version", "13"},
	}}
	if s.Subprotocol != "" {
		r.add("Sec-WebSocket-Protocol", s.Subprotocol)
	}
	for name, values := range s.Header {
		for _, value := range values {
			r.add(name, value)
		}
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// errRefused means that the server refused a handshake because of an offer in it.
var errRefused = fail("the handshake was refused because of an offer")

// offered makes a handshake with Sec-WebSocket-Extensions lines and returns the answer to them.
func (s *session) offered(lines ...string) (*peer, []string, error) {
	p, err := s.connect()
	if err != nil {
		return nil, nil, err
	}
	r := s.request()
	for _, value := range lines {
		r.add("Sec-WebSocket-Extensions", value)
	}
	answer, err := p.ask(r)
	if errors.Is(err, errDropped) {
		err = fail("dropped instead of an answer to the handshake")
	}
	if err != nil {
		return nil, nil, err
	}
	if answer.refused() {
		return nil, nil, errRefused
	}
	return p, answer.header.Values("Sec-WebSocket-Extensions"), answer.accepts(r)
}
