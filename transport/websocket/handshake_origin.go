package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/parley-realtime/parley/protocol"
)

// origins says which web pages may connect (RFC 6454; RFC 6455 section 10.2). A client that is no browser sends no
// Origin and may always. Beside the pages that are listed, those of the server's own host may.
type origins struct {
	all       bool
	loopback  bool            // pages of this machine, for dev mode
	exact     map[string]bool // in canonical form; "null" is a page without origin
	wildcards []origin        // https://*.example.org: every host below example.org
}

// origin is scheme://host[:port]. The port is "" where it is the scheme's own.
type origin struct{ scheme, host, port string }

func (o origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != "" {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}

// nullOrigin is what browsers send for a page without origin: sandboxed, a data: URL, in some browsers a file.
const nullOrigin = "null"

// parseOrigins reads the setting. The error names the entry, and says how it should be written.
func parseOrigins(list []string, loopback bool) (origins, error) {
	o := origins{exact: map[string]bool{}, loopback: loopback}
	for _, text := range list {
		switch suffix, isWildcard := cutWildcard(text); {
		case text == "*":
			o.all = true
		case text == nullOrigin:
			o.exact[nullOrigin] = true
		case isWildcard:
			read, err := parseOrigin(suffix)
			if _, ip := netip.ParseAddr(read.host); err != nil || read.host == "" || ip == nil {
				return o, fmt.Errorf("origin %q is not scheme://*.host[:port]", text)
			}
			o.wildcards = append(o.wildcards, read)
		default:
			read, err := parseOrigin(text)
			if err != nil {
				return o, fmt.Errorf("origin %q is not %s[:port]: %w; * is every origin, null is a page without one",
					text, "scheme://host", err)
			}
			o.exact[read.String()] = true
		}
	}
	return o, nil
}

// cutWildcard cuts the wildcard of https://*.example.org.
func cutWildcard(text string) (suffix string, ok bool) {
	scheme, host, ok := strings.Cut(text, "://*.")
	return scheme + "://" + host, ok
}

// allows judges the Origin lines of a request for a host, which is the Host header with its port; secure means that the
// server itself speaks TLS with the client. If it does not, a proxy may, and nothing in the request could prove it:
// then the page's host and port decide, whatever its scheme.
func (o *origins) allows(lines []string, host string, secure bool) bool {
	switch len(lines) {
	case 0:
		return true
	case 1:
	default: // no browser sends two
		return false
	}
	if o.all {
		return true
	}
	if lines[0] == nullOrigin {
		return o.exact[nullOrigin]
	}
	page, err := parseOrigin(lines[0])
	if err != nil {
		return false
	}
	return o.exact[page.String()] || o.matchesWildcard(page) || page.isOwn(host, secure) ||
		o.loopback && page.isLoopback()
}

func (o *origins) matchesWildcard(page origin) bool {
	for _, b := range o.wildcards {
		if b.scheme == page.scheme && b.port == page.port && strings.HasSuffix(page.host, "."+b.host) {
			return true
		}
	}
	return false
}

// isOwn reports whether the page came from the host and port that the request asks for. A Host without port has that of
// the page's scheme.
func (o origin) isOwn(host string, secure bool) bool {
	if o.scheme != "https" && (secure || o.scheme != "http") {
		return false
	}
	own, err := parseOrigin(o.scheme + "://" + host)
	return err == nil && own == o
}

// isLoopback reports whether the page came from this machine.
func (o origin) isLoopback() bool {
	if o.scheme != "http" && o.scheme != "https" {
		return false
	}
	addr, err := netip.ParseAddr(o.host)
	return err == nil && addr.IsLoopback() || o.host == "localhost" || strings.HasSuffix(o.host, ".localhost")
}

// parseOrigin brings scheme://host[:port] into the form that equal origins share and that browsers send: lower case,
// punycode, no default port. Only file:// may lack a host.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "":
		return origin{}, errors.New("it has no scheme")
	case strings.EqualFold(text, "file://"):
		return origin{scheme: "file"}, nil
	case u.Hostname() == "":
		return origin{}, errors.New("it has no host")
	case u.User != nil || u.Path != "" || strings.ContainsAny(text, "?#"):
		return origin{}, errors.New("an origin ends with the host or its port")
	}
	o := origin{scheme: strings.ToLower(u.Scheme)}
	if o.host, err = canonicalHost(u.Hostname()); err != nil {
		return origin{}, err
	}
	if o.port, err = canonicalPort(o.scheme, u.Host); err != nil {
		return origin{}, err
	}
	return o, nil
}

func canonicalHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	if strings.Contains(host, "*") {
		return "", errors.New("* stands for all that is below a host, as in https://*.example.org, " +
			"or alone for every origin")
	}
	ascii, err := idna.Punycode.ToASCII(strings.ToLower(host))
	if err != nil {
		return "", fmt.Errorf("%q is no name of a host", host)
	}
	return ascii, nil
}

// canonicalPort is the port of host[:port] without leading zeros, "" for the scheme's own.
func canonicalPort(scheme, host string) (string, error) {
	after := host[strings.LastIndexByte(host, ']')+1:]
	_, text, has := strings.Cut(after, ":")
	if !has {
		return "", nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", fmt.Errorf("%q is no port", text)
	}
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		return "", nil
	}
	return strconv.FormatUint(port, 10), nil
}

// errOrigin tells the developer of a page what to change. Origin and Host are what the client sent: they are quoted.
func errOrigin(r *http.Request, host string) *protocol.Refusal {
	err := protocol.Refuse(protocol.Forbidden, "a page of Origin %s may not connect to host %s: "+
		"list it in websocket.origins, or let the proxy in front keep the Host header",
		protocol.Quote(strings.Join(r.Header["Origin"], ", ")), protocol.Quote(host))
	err.Rule = "origin"
	return err
}
