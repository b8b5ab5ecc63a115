package config

import (
	"net"
	"net/netip"
	"strings"
)

// CanonicalHost is a host as it is compared: without port and without the dot at the end of a full name, in lower case,
// and an address in its one spelling.
func CanonicalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
