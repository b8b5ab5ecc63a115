package conformance

import (
	"context"
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
	p := &peer{session: s, conn: conn, stream: newStream(conn)}
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
