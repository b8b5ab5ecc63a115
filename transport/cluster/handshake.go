package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
)

// The protocols on the port, as ALPN names them.
const (
	protocolActors = "h2"
	protocolStream = "parley-stream/1"
)

// Bounds of handshakes.
const (
	handshakeTimeout = 3 * time.Second
	maxHandshakes    = 128 // at once, of those who dial; the next is closed
)

// handshake makes the TLS connections of protoactor's server and client, and takes the streams away from the server. It
// reads the certificates anew for each.
type handshake struct {
	certificates *Certificates
	running      chan struct{} // a token for each handshake of the server
	stream       func(*tls.Conn)
}

// ServerHandshake implements credentials.TransportCredentials.
func (h *handshake) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	default:
		return nil, nil, ErrBusy
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	conn := tls.Server(raw, h.certificates.server())
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	if conn.ConnectionState().NegotiatedProtocol == protocolStream {
		h.stream(conn)
		return nil, nil, credentials.ErrConnDispatched
	}
	return conn, infoOf(conn), nil
}

// ClientHandshake implements credentials.TransportCredentials.
func (h *handshake) ClientHandshake(
	ctx context.Context, _ string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	conn := tls.Client(raw, h.certificates.client(protocolActors))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	return conn, infoOf(conn), nil
}

func infoOf(conn *tls.Conn) credentials.TLSInfo {
	secure := credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
	return credentials.TLSInfo{State: conn.ConnectionState(), CommonAuthInfo: secure}
}

// Info implements credentials.TransportCredentials.
func (h *handshake) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials.
func (h *handshake) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements credentials.TransportCredentials; the name is always that of the cluster.
func (h *handshake) OverrideServerName(string) error { return nil }
