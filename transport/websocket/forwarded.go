package websocket

import (
	"net/http"
	"net/netip"
)

// Forwarded is where a request comes from, as far as it can be believed: through trusted proxies, what they say of it.
func (s *Server) Forwarded(r *http.Request) (address, scheme, host string) {
	c := s.proxies.caller(r)
	scheme = "http"
	if r.TLS != nil {
		scheme = "https"
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	said := first(r.Header, "X-Forwarded-Proto")
	if (said == "http" || said == "https") && err == nil && s.proxies.trust(peer.Addr().Unmap().WithZone("")) {
		scheme = said
	}
	return c.address, scheme, c.host
}
