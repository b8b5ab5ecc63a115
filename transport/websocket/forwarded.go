package websocket

import "net/http"

// Forwarded is where a request comes from, as far as it can be believed: through trusted proxies, what they say of it.
func (s *Server) Forwarded(r *http.Request) (address, scheme, host string) {
	c := s.proxies.caller(r)
	return c.address, c.scheme, c.host
}
