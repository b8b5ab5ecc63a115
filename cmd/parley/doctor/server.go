package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	mostClockSkew   = 5 * time.Second
	certificateLeft = 14 * 24 * time.Hour
)

var clock = check{
	name: "clock", what: "how far this machine's clock is from the server's; tokens are good between two times",
	wanted: fmt.Sprintf("%s or less", mostClockSkew),
	fix:    "timedatectl set-ntp true, on the machine whose clock is wrong",
	look: func(ctx context.Context, s *Setup) outcome {
		request, err := http.NewRequestWithContext(ctx, http.MethodHead, s.web(), http.NoBody)
		if err != nil {
			return unknown(err.Error())
		}
		began := time.Now()
		response, err := s.http().Do(request)
		if err != nil {
			return unknown(err.Error())
		}
		response.Body.Close()
		now := time.Now()
		said, err := http.ParseTime(response.Header.Get("Date"))
		if err != nil {
			return unknown("the server's answer has no Date")
		}
		// The server said it between began and now, and rounded it down to a second.
		skew := max(said.Sub(now), began.Sub(said)-time.Second, 0)
		return judge(skew <= mostClockSkew, skew.Round(time.Second).String())
	},
}

// web is the server's URL with http or https.
func (s *Setup) web() string {
	u := s.API.Base
	if !strings.Contains(u, "://") {
		u = "http://" + u
	}
	return strings.Replace(u, "ws", "http", map[bool]int{true: 1}[strings.HasPrefix(u, "ws")])
}

// http is a client that takes any certificate: whether it is good is the question of another check.
func (s *Setup) http() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true}}
}

var certificate = check{
	name: "certificate", what: "whether clients believe the certificate, and how long it is good",
	wanted: fmt.Sprintf("a chain to an authority of the system, and %d days or more", certificateLeft/24/time.Hour),
	fix:    "a new certificate with its intermediate ones in tls.certificate (then SIGHUP), or acme; or at the proxy",
	look: func(ctx context.Context, s *Setup) outcome {
		return s.overTLS(ctx, &tls.Config{RootCAs: s.Roots, NextProtos: []string{"http/1.1"}},
			func(state tls.ConnectionState) outcome {
				left := time.Until(state.PeerCertificates[0].NotAfter)
				return judge(left >= certificateLeft, fmt.Sprintf("good for %d days", int(left.Hours()/24)))
			})
	},
}

var alpn = check{
	name: "alpn", what: "whether HTTP/1.1 can be had over TLS (ALPN); WebSocket clients ask for nothing else",
	wanted: "http/1.1",
	fix:    "let the proxy offer http/1.1 beside h2 (HAProxy: bind ... ssl alpn h2,http/1.1)",
	look: func(ctx context.Context, s *Setup) outcome {
		conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
		return s.overTLS(ctx, conf, func(state tls.ConnectionState) outcome {
			switch state.NegotiatedProtocol {
			case "":
				return well("none is agreed on, which is HTTP/1.1")
			case "http/1.1":
				return well("http/1.1")
			}
			return wrong(state.NegotiatedProtocol)
		})
	},
}

// overTLS looks at a TLS connection to the server. One that fails for the certificate or for want of a protocol is
// wrong, and one that is not there is unknown.
func (s *Setup) overTLS(ctx context.Context, conf *tls.Config, look func(tls.ConnectionState) outcome) outcome {
	u, err := url.Parse(s.web())
	if err != nil {
		return unknown(err.Error())
	}
	if u.Scheme != "https" {
		return skipped("the address has no TLS")
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "443"
	}
	conf.ServerName = host
	conn, err := (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		if _, ok := errors.AsType[*net.OpError](err); ok && !strings.Contains(err.Error(), "tls: ") {
			return unknown(err.Error())
		}
		return wrong(err.Error())
	}
	defer conn.Close()
	return look(conn.(*tls.Conn).ConnectionState())
}
