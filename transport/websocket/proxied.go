package websocket

import (
	"net"
	"net/http"
	"net/netip"
)

// forwarding are the headers by which a proxy says that it speaks for others.
var forwarding = [...]string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"}

// hides reports whether the address of a request is that of a proxy which is not trusted, so that all its clients seem to
// be one: the request says that it was forwarded, and its peer is of our own network, where no stranger has an address. A
// stranger who says so is not believed.
func (p proxies) hides(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	peer = peer.Unmap().WithZone("")
	if p.trust(peer) || !peer.IsLoopback() && !peer.IsPrivate() && !peer.IsLinkLocalUnicast() {
		return false
	}
	for _, name := range forwarding {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}
