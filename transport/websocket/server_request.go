package websocket

import (
	"net/http"
	"net/netip"
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
