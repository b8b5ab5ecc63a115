package websocket

import (
	"net/http"
	"net/netip"

	"github.com/parley-realtime/parley/protocol"
)

// AllowsOrigin reports whether a web page, which the request's Origin names, may connect or make the calls of a client.
// A request without Origin comes from no page, and may.
func (s *Server) AllowsOrigin(r *http.Request) bool {
	return s.origins.allows(r.Header["Origin"], s.proxies.source(r).host, r.TLS != nil)
}

// Forwarded tells where a request comes from: the client's address without port, the scheme (http or https) and the
// host that the client asked for. It believes what trusted proxies say of that, and only them.
func (s *Server) Forwarded(r *http.Request) (address, scheme, host string) {
	source := s.proxies.source(r)
	scheme = "http"
	if r.TLS != nil {
		scheme = "https"
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	said := firstItem(r.Header, "X-Forwarded-Proto")
	if (said == "http" || said == "https") && err == nil && s.proxies.trusts(peer.Addr().Unmap().WithZone("")) {
		scheme = said
	}
	return source.address, scheme, source.host
}

// Stream lets a client in as a handshake does, and makes an event stream of its connection. The sessions of the dialect
// are StreamSessions. It blocks as Handler.ServeHTTP does.
func (s *Server) Stream(w http.ResponseWriter, r *http.Request, d protocol.Dialect) {
	q := upgradeRequest{server: s, w: w, r: r, id: protocol.NewRequestID(), source: s.proxies.source(r),
		proxied: s.proxies.isUntrustedProxy(r), route: &route{dialect: d, limits: &frameLimits{}}, pattern: r.URL.Path,
		stream: &eventStream{}}
	defer q.logRefusal()
	if !q.admit() {
		return
	}
	session := q.opened.Session.(StreamSession)
	if err := session.Authorize(q.identity); err != nil {
		q.refuse(err)
		return
	}
	q.stream.rewrite, q.clientID = session.Rewriter(), ""
	q.upgradeInTurn()
}
