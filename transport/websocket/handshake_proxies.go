package websocket

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose forwarding headers are believed.
type proxies []netip.Prefix

func parseProxies(list []string) (proxies, error) {
	var p proxies
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("trusted proxy %q is neither an address nor a CIDR", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

func (p proxies) trusts(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// source is where a request comes from and what it asked for, as far as that can be believed.
type source struct {
	// address is the client's, without port.
	address string
	// host is what the client asked for, with its port if that was said.
	host string
}

// source reads the forwarding headers if the request comes from a trusted proxy, and only then.
func (p proxies) source(r *http.Request) source {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	s := source{address: host, host: r.Host}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return s
	}
	peer = peer.Unmap().WithZone("")
	s.address = peer.String()
	if !p.trusts(peer) {
		return s
	}
	s.address = p.clientAddress(r.Header, peer).String()
	if host := firstItem(r.Header, "X-Forwarded-Host"); host != "" {
		s.host = host
	}
	return s
}

// clientAddress is the nearest address that is no trusted proxy. Whatever stands to the left of it may be invented.
func (p proxies) clientAddress(h http.Header, peer netip.Addr) netip.Addr {
	const maxHops = 32 // more are not looked at
	hops := strings.Split(strings.Join(h["X-Forwarded-For"], ","), ",")
	nearest := peer
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		hop, ok := parseAddress(hops[i])
		if !ok {
			break
		}
		if nearest = hop; !p.trusts(hop) {
			return hop
		}
	}
	if nearest == peer {
		if real, ok := parseAddress(h.Get("X-Real-Ip")); ok {
			return real
		}
	}
	return nearest
}

// forwardingHeaders are those by which a proxy says that it speaks for others.
var forwardingHeaders = [...]string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"}

// isUntrustedProxy reports whether a request comes through a proxy that is not trusted, so that all clients of the
// proxy have one address: the request says that it was forwarded, and its peer is in our own network, where no stranger
// has an address. The headers of a stranger are not believed.
func (p proxies) isUntrustedProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	peer = peer.Unmap().WithZone("")
	if p.trusts(peer) || !peer.IsLoopback() && !peer.IsPrivate() && !peer.IsLinkLocalUnicast() {
		return false
	}
	for _, name := range forwardingHeaders {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

// parseAddress reads an address, with or without port.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return pair.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// firstItem is the first item of a comma-separated header, which the outermost proxy wrote.
func firstItem(h http.Header, name string) string {
	item, _, _ := strings.Cut(h.Get(name), ",")
	return strings.ToLower(strings.TrimSpace(item))
}
