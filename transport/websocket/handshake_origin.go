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
// Origin and may always. Beside what is listed, a page of the server's own host may.
type origins struct {
	all      bool
	loopback bool            // pages of this machine, for dev mode
	exact    map[string]bool // in canonical form; "null" is the page that has no origin
	below    []origin        // https://*.example.org: every host below example.org
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

// nullOrigin is what browsers say for a page that has no origin: sandboxed, a data: URL, in some a file.
const nullOrigin = "null"

// readOrigins reads the setting. Each error names the entry, and says how it should be written.
func readOrigins(list []string, loopback bool) (origins, error) {
	o := origins{exact: map[string]bool{}, loopback: loopback}
	for _, text := range list {
		switch suffix, below := below(text); {
		case text == "*":
			o.all = true
		case text == nullOrigin:
			o.exact[nullOrigin] = true
		case below:
			read, err := readOrigin(suffix)
			if _, ip := netip.ParseAddr(read.host); err != nil || read.host == "" || ip == nil {
				return o, fmt.Errorf("origin %q is not scheme://*.host[:port]", text)
			}
			o.below = append(o.below, read)
		default:
			read, err := readOrigin(text)
			if err != nil {
				return o, fmt.Errorf("origin %q is not %s[:port]: %w; * is every origin, null is a page without one", text, "scheme://host", err)
			}
			o.exact[read.String()] = true
		}
	}
	return o, nil
}

// below cuts the wildcard of https://*.example.org.
func below(text string) (suffix string, ok bool) {
	scheme, host, ok := strings.Cut(text, "://*.")
	return scheme + "://" + host, ok
}

// allow judges the Origin lines of a request for a host, the Host header with its port; secure says that the server
// itself speaks TLS with the client. Where it does not, a proxy may, and nothing that the request says could prove it:
// then the page's host and port decide, whatever its scheme.
func (o *origins) allow(lines []string, host string, secure bool) bool {
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
	theirs, err := readOrigin(lines[0])
	if err != nil {
		return false
	}
	return o.exact[theirs.String()] || o.isBelow(theirs) || theirs.isOwn(host, secure) || o.loopback && theirs.isLoopback()
}

func (o *origins) isBelow(theirs origin) bool {
	for _, b := range o.below {
		if b.scheme == theirs.scheme && b.port == theirs.port && strings.HasSuffix(theirs.host, "."+b.host) {
			return true
		}
	}
	return false
}

// isOwn reports whether the page came from the host and port that were asked for. A Host without port is at the port of
// the page's scheme.
func (o origin) isOwn(host string, secure bool) bool {
	if o.scheme != "https" && (secure || o.scheme != "http") {
		return false
	}
	own, err := readOrigin(o.scheme + "://" + host)
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

// readOrigin brings scheme://host[:port] into the form that equal origins share, which is the one that browsers send:
// lower case, punycode, no default port. file:// has no host, and no other scheme may do without.
func readOrigin(text string) (origin, error) {
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
		return "", errors.New("* stands for all that is below a host, as in https://*.example.org, or alone for every origin")
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

// AllowsOrigin reports whether a web page, which the request's Origin names, may connect or make the calls of a client.
// A request without Origin comes from no page, and may.
func (s *Server) AllowsOrigin(r *http.Request) bool {
	return s.origins.allow(r.Header["Origin"], s.proxies.caller(r).host, r.TLS != nil)
}

// errOrigin tells the developer of a page what to change. Origin and Host are what the client sent: they are quoted.
func errOrigin(r *http.Request, host string) *protocol.Refusal {
	return protocol.Refuse(protocol.Forbidden, "a page of Origin %s may not connect to host %s: list it in websocket.origins, or let the proxy in front keep the Host header",
		protocol.Quote(strings.Join(r.Header["Origin"], ", ")), protocol.Quote(host))
}
