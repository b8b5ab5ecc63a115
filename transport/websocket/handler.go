package websocket

import (
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Handler lets clients in on the paths of its dialects. It is an http.Handler.
type Handler struct {
	server *Server
	routes routes
}

// Serves reports whether a dialect answers on this path, for a server that has other handlers to choose from.
func (h *Handler) Serves(path string) bool {
	r, _ := h.routes.find(path)
	return r != nil
}

// ServeHTTP implements http.Handler. It checks the handshake and the credential, then takes the connection over and
// answers; the socket lives on when it has returned. The credential, the turn of the upgrade and the answer may each
// block for up to Config.HandshakeTimeout.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		skipBody(w)
	}
	s := h.server
	q := upgradeRequest{server: s, w: w, r: r, id: protocol.RequestIDOf(r.Header["X-Request-Id"]),
		source: s.proxies.source(r), proxied: s.proxies.isUntrustedProxy(r)}
	defer q.logRefusal()
	defer q.record()
	if q.route, q.pattern = h.find(r); q.route == nil {
		q.refuse(protocol.Refuse(protocol.NotFound, "no WebSocket is served on this path"))
		return
	}
	var bad *handshakeError
	if q.key, bad = checkHandshake(r); bad != nil {
		q.refuseHandshake(bad)
		return
	}
	if s.config.Compression {
		q.extensions = negotiate(r.Header["Sec-Websocket-Extensions"])
	}
	if q.admit() {
		q.upgradeInTurn()
	}
}

// skipBody keeps net/http from waiting for a body, which no handshake has, before it sends a refusal.
func skipBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now())
}

// find returns the route of a request's path, and its pattern. A path that needs decoding is none of ours.
func (h *Handler) find(r *http.Request) (*route, string) {
	if r.URL.RawPath != "" {
		return nil, ""
	}
	return h.routes.find(r.URL.Path)
}
