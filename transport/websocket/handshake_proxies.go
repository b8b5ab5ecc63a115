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

func readProxies(list []string) (proxies, error) {
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

func (p proxies) trust(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// caller is who asked, as far as it can be believed.
type caller struct {
	// address is the client's, without port.
	address string
	// host is what the client asked for, with its port if that was said.
	host string
}

// caller reads the forwarding headers if the request comes from a trusted proxy, and only then.
func (p proxies) caller(r *http.Request) caller {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	c := caller{address: host, host: r.Host}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return c
	}
	peer = peer.Unmap().WithZone("")
	c.address = peer.String()
	if !p.trust(peer) {
		return c
	}
	c.address = p.client(r.Header, peer).String()
	if host := first(r.Header, "X-Forwarded-Host"); host != "" {
		c.host = host
	}
	return c
}

// client is the nearest address that is no trusted proxy: what stands to the left of it could be anyone's invention.
func (p proxies) client(h http.Header, peer netip.Addr) netip.Addr {
	const most = 32 // hops; more are not looked at
	hops := strings.Split(strings.Join(h["X-Forwarded-For"], ","), ",")
	nearest := peer
	for i := len(hops) - 1; i >= max(0, len(hops)-most); i-- {
		hop, ok := address(hops[i])
		if !ok {
			break
		}
		if nearest = hop; !p.trust(hop) {
			return hop
		}
	}
	if nearest == peer {
		if real, ok := address(h.Get("X-Real-Ip")); ok {
			return real
		}
	}
	return nearest
}

// address reads an address, with or without port.
func address(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return pair.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// first is the first item of a comma-separated header, which the outermost proxy wrote.
func first(h http.Header, name string) string {
	item, _, _ := strings.Cut(h.Get(name), ",")
	return strings.ToLower(strings.TrimSpace(item))
}
