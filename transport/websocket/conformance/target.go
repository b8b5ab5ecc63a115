package conformance

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Target is the endpoint that a battery is played against. A field that is zero has its default; URL has none.
type Target struct {
	// URL is a ws:// or wss:// address. An endpoint that is not Live must echo each message unchanged.
	URL string
	// Dial opens a connection to the server; nil dials the URL's host.
	Dial func(ctx context.Context) (net.Conn, error)
	// TLS is how a wss:// server is trusted; nil trusts what the system does.
	TLS *tls.Config
	// Header is sent with each handshake.
	Header http.Header
	// Subprotocol is offered in each handshake, if it is not empty.
	Subprotocol string
	// SendFirst are texts that are sent after each handshake, such as a login. The answers are not checked.
	SendFirst []string
	// Live says that the endpoint speaks a protocol of its own: only cases that need no echo are played.
	Live bool
	// MaxMessage is the server's own limit in bytes (default 16 MiB): a message of that size must pass and one byte
	// more must be refused with 1009.
	MaxMessage int
	// HandshakeLimit is how long an unfinished handshake may stay open (default 20 s).
	HandshakeLimit time.Duration
	// Timeout is how long each reaction of the server may take (default 4 s).
	Timeout time.Duration
	// Rounds is how many messages go to and fro in cases that measure nothing else (default 500).
	Rounds int
}

// large is how long a large message may take, in either direction.
const large = 30 * time.Second

// filled is the target with its defaults, and its address parsed.
func (t Target) filled() (*endpoint, error) {
	address, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	if address.Scheme != "ws" && address.Scheme != "wss" || address.Host == "" {
		return nil, fmt.Errorf("%q is no address of a WebSocket: it begins with ws:// or wss:// and a host", t.URL)
	}
	t.MaxMessage = cmp.Or(t.MaxMessage, 16<<20)
	t.HandshakeLimit = cmp.Or(t.HandshakeLimit, 20*time.Second)
	t.Timeout = cmp.Or(t.Timeout, 4*time.Second)
	t.Rounds = cmp.Or(t.Rounds, 500)
	e := &endpoint{Target: t, address: address}
	if e.Dial == nil {
		e.Dial = e.dialHost
	}
	return e, nil
}

// endpoint is a Target that is ready.
type endpoint struct {
	Target
	address *url.URL
}

func (e *endpoint) dialHost(ctx context.Context) (net.Conn, error) {
	port := cmp.Or(e.address.Port(), map[string]string{"ws": "80", "wss": "443"}[e.address.Scheme])
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(e.address.Hostname(), port))
}

// dial opens a connection, through TLS if the address asks for it.
func (e *endpoint) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	conn, err := e.Dial(ctx)
	if err != nil || e.address.Scheme == "ws" {
		return conn, err
	}
	config := e.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName = cmp.Or(config.ServerName, e.address.Hostname())
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}
