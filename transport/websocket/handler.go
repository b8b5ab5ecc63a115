package websocket

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Handler lets clients in on the paths of its dialects. It is an http.Handler.
type Handler struct {
	server *Server
	routes routes
}

// visit is a request that wants to become a socket, as far as it came.
type visit struct {
	request    string // its id
	route      *route
	key        string // Sec-WebSocket-Key
	extensions agreement
	caller     caller
	proxied    bool // caller's address is that of many clients
	tenant     string
	session    protocol.Session
	identity   *protocol.Identity
	client     string // what the client calls itself, "" for nothing
	refused    int    // the HTTP status that it was refused with, 0 if it was not
	why        protocol.Reason
}

// Serves reports whether a dialect answers on this path, for a server that has others to ask.
func (h *Handler) Serves(path string) bool { return h.routes.find(path) != nil }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		leaveBody(w)
	}
	v := visit{request: protocol.NewRequestID(), caller: h.server.proxies.caller(r), proxied: h.server.proxies.hides(r)}
	defer h.server.recordRefusal(r, &v)
	if v.route = h.find(r); v.route == nil {
		v.refuse(w, protocol.Refuse(protocol.NotFound, "no WebSocket is served on this path"))
		return
	}
	var bad *badHandshake
	if v.key, bad = checkHandshake(r); bad != nil {
		v.refuseHandshake(w, bad)
		return
	}
	if h.server.config.Compression {
		v.extensions = negotiate(r.Header["Sec-Websocket-Extensions"])
	}
	if h.admit(w, r, &v) {
		h.upgrade(w, &v)
	}
}

// leaveBody keeps net/http from waiting for a body that nobody wants before it lets a refusal go.
func leaveBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now())
}

// find returns the route of a request whose path is written plainly; what needs decoding is none of our paths.
func (h *Handler) find(r *http.Request) *route {
	if r.URL.RawPath != "" {
		return nil
	}
	return h.routes.find(r.URL.Path)
}

// admit asks everybody who may refuse. It has answered if it reports false.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, v *visit) bool {
	s := h.server
	if !s.origins.allow(r.Header["Origin"], v.caller.host, r.TLS != nil) {
		v.refuse(w, errOrigin(r, v.caller.host))
		return false
	}
	if s.Sockets() >= s.config.MaxSockets { // upgrade asks again; here it spares the rest
		v.refuse(w, errFull)
		return false
	}
	if v.tenant = s.tenant(r); v.tenant == "" {
		v.refuse(w, protocol.Refuse(protocol.NotFound, "no tenant is served here"))
		return false
	}
	if why := s.node.Admit(v.tenant, v.route.dialect, v.caller.address); why != nil {
		v.refuse(w, why)
		return false
	}
	hello := protocol.Hello{Path: r.URL.Path, Query: r.URL.Query(), Host: v.caller.host, Remote: v.caller.address,
		Header: r.Header.Get, Values: r.Header.Values}
	session, credential, why := v.route.dialect.Open(hello)
	if why != nil {
		v.refuse(w, why)
		return false
	}
	v.session, v.client = session, hello.Client()
	if credential != nil {
		return s.identify(w, r, v, *credential)
	}
	if why := s.node.AdmitUnauthenticated(v.caller.address, v.proxied); why != nil {
		v.refuse(w, why)
		return false
	}
	return true
}

// identify checks a credential that came with the request.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, v *visit, credential protocol.Credential) bool {
	ctx, cancel := context.WithTimeout(protocol.WithRequestID(r.Context(), v.request), s.config.HandshakeTimeout)
	defer cancel()
	identity, err := s.auth.Authenticate(ctx, v.tenant, credential)
	if err == nil && identity == nil {
		err = protocol.Refuse(protocol.InvalidToken, "")
	}
	if err != nil {
		v.refuseCredential(w, err)
		return false
	}
	v.identity = identity
	return true
}

var errFull = &protocol.Refusal{Reason: protocol.Busy, RetryAfter: 5 * time.Second,
	Detail: "this server has as many connections as it can hold (max_sockets); come back or try another"}

// upgrade takes the connection over. What happens to it from here on is no longer told by HTTP.
func (h *Handler) upgrade(w http.ResponseWriter, v *visit) {
	if h.server.open.Add(1) > int64(h.server.config.MaxSockets) {
		h.server.open.Add(-1)
		v.refuse(w, errFull)
		return
	}
	conn, early, err := hijack(w)
	if err != nil {
		h.server.open.Add(-1)
		v.refuse(w, protocol.Refuse(protocol.Internal, "this connection cannot be upgraded"))
		h.server.config.Logger.Error("connection cannot be upgraded", "error", err)
		return
	}
	if err := h.server.adopt(conn, early, v); err != nil {
		h.server.open.Add(-1)
		_ = conn.Close() // the peer has gone before it had its answer
	}
}
