package websocket

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
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
}

// admit asks everything that may refuse the client. It has answered the request if it reports false.
func (q *upgradeRequest) admit() bool {
	s, r := q.server, q.r
	if !s.origins.allows(r.Header["Origin"], q.source.host, r.TLS != nil) {
		return q.refuse(errOrigin(r, q.source.host))
	}
	if s.Sockets() >= s.config.MaxSockets { // upgrade checks it again; here it saves the work
		return q.refuse(errTooManySockets)
	}
	if q.tenant = s.tenant(r); q.tenant == "" {
		return q.refuse(protocol.Refuse(protocol.NotFound, "no tenant is served here"))
	}
	if err := s.node.Admit(q.tenant, q.route.dialect, q.source.address); err != nil {
		return q.refuse(err)
	}
	hello := protocol.Handshake{Path: r.URL.Path, Pattern: q.pattern, Query: r.URL.Query(), Host: q.source.host,
		Remote: q.source.address, Header: r.Header.Get, Values: r.Header.Values}
	opened, err := q.route.dialect.Open(hello)
	if err != nil {
		return q.refuse(err)
	}
	q.opened, q.clientID = opened, hello.Client()
	if opened.Credential != nil {
		return q.authenticate(*opened.Credential)
	}
	if err := s.node.AdmitUnauthenticated(q.source.address, q.proxied); err != nil {
		return q.refuse(err)
	}
	return true
}

// authenticate checks a credential that came with the request. It has answered the request if it reports false.
func (q *upgradeRequest) authenticate(credential protocol.Credential) bool {
	s := q.server
	ctx, cancel := context.WithTimeout(protocol.WithRequestID(q.r.Context(), q.id), s.config.HandshakeTimeout)
	defer cancel()
	identity, err := s.auth.Authenticate(ctx, q.tenant, credential)
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
	Detail: "this server has as many connections as it can hold (max_sockets); come back or try another"}
