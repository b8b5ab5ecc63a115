package websocket

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// upgradeRequest is a request that asks to become a socket, with what is known of it so far. No socket keeps it.
type upgradeRequest struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request

	id         string // see protocol.NewRequestID
	route      *route
	pattern    string // the path of the route
	key        string // Sec-WebSocket-Key
	extensions extensionAnswer
	source     source
	proxied    bool // source's address is that of many clients
	tenant     string
	opened     protocol.Opened
	identity   *protocol.Identity
	clientID   string       // the name that the client gives itself, "" for none
	stream     *eventStream // it asks for an event stream instead; nil for a WebSocket

	status int // the HTTP status of the refusal, 0 without one
	reason protocol.Reason
	cause  *protocol.Refusal // for the recorder: what the client may not know is in it

	message string // of the refusal, for a question
	retry   time.Duration

	asked *decision.Record   // nil for a client; a question counts nothing (handshake_ask.go)
	as    *protocol.Identity // of a question: who the client is, nil for what its credential says
}

// admit asks everything that may refuse the client. It has answered the request if it reports false.
func (q *upgradeRequest) admit() bool {
	s, r := q.server, q.r
	if !q.asked.Text(decision.Origin, r.Header.Get("Origin"),
		s.origins.allows(r.Header["Origin"], q.source.host, r.TLS != nil)) {
		return q.refuse(errOrigin(r, q.source.host))
	}
	// upgrade checks this again; here it saves the work
	if !q.asked.Number(decision.MaxSockets, s.config.MaxSockets, s.Sockets() < s.config.MaxSockets) {
		return q.refuse(errTooManySockets)
	}
	if q.tenant = s.tenant(r); !q.asked.Text(decision.Host, r.Host, q.tenant != "") {
		return q.refuse(protocol.Refuse(protocol.NotFound, "no tenant is served here"))
	}
	if err := s.node.Admit(q.tenant, q.route.dialect, q.source.address, q.asked); err != nil {
		return q.refuse(err)
	}
	if err := q.open(); err != nil {
		return q.refuse(err)
	}
	if q.opened.Credential != nil {
		return q.authenticate(*q.opened.Credential)
	}
	if err := s.node.AdmitUnauthenticated(q.source.address, q.proxied, q.asked); err != nil {
		return q.refuse(err)
	}
	return true
}

// open has the dialect make a session.
func (q *upgradeRequest) open() (err *protocol.Refusal) {
	r := q.r
	hello := protocol.Handshake{Path: r.URL.Path, Pattern: q.pattern, Query: r.URL.Query(), Host: q.source.host,
		Remote: q.source.address, Header: r.Header.Get, Values: r.Header.Values}
	q.opened, err = q.route.dialect.Open(hello)
	q.clientID = hello.Client()
	q.asked.Step(decision.Handshake, err == nil)
	return err
}

// authenticate checks a credential that came with the request. It has answered the request if it reports false.
func (q *upgradeRequest) authenticate(credential protocol.Credential) bool {
	s := q.server
	if q.as != nil {
		q.identity = q.as
		return true
	}
	ctx, cancel := context.WithTimeout(protocol.WithRequestID(q.r.Context(), q.id), s.config.HandshakeTimeout)
	defer cancel()
	identity, err := identify(ctx, q, credential)
	if err == nil && identity == nil {
		err = protocol.Refuse(protocol.InvalidToken, "")
	}
	if err != nil {
		return q.refuseCredential(err)
	}
	q.identity = identity
	return true
}

var errTooManySockets = &protocol.Refusal{Reason: protocol.Busy, RetryAfter: 5 * time.Second,
	Rule:   "max_sockets",
	Detail: "this server has as many connections as it can hold (max_sockets); come back or try another"}
