package cluster

import (
	"context"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/keepalive"
	grpcpeer "google.golang.org/grpc/peer"

	"github.com/parley-realtime/parley/actors/mailbox"
)

// Bounds of a gRPC connection.
const (
	maxBatch  = 8 << 20
	window    = 1 << 20 // bytes that HTTP/2 takes in for a reader that does not read
	keepAlive = 10 * time.Second
	keepWait  = 3 * time.Second
)

// gRPC writes errors of connections to stderr otherwise; they are told by Down. It may be set only before gRPC is used.
func init() { grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) }

// newServer makes the server of the remoting service, which hands the parcels of other nodes to the handler.
func newServer(certificates *Certificates, handler Handler, secure *handshake) *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(secure),
		grpc.MaxRecvMsgSize(maxBatch),
		grpc.MaxConcurrentStreams(1),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(window),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepAlive, Timeout: keepWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	remoting := &mailbox.Remoting{Node: certificates.Node(), From: certificates.caller, Parcel: handler.Parcel}
	remoting.Register(server)
	return server
}

// caller is the node at the other end of a call, by its certificate.
func (c *Certificates) caller(ctx context.Context) (node string, err error) {
	from, ok := grpcpeer.FromContext(ctx)
	if !ok {
		return "", ErrStranger
	}
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return "", ErrStranger
	}
	return c.nodeOf(info.State.PeerCertificates[0]), nil
}

// newClient makes the connection to the remoting service of a node. It dials when it is first used.
func newClient(address string, secure *handshake) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(secure),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithStaticStreamWindowSize(window),
		grpc.WithStaticConnWindowSize(window),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepAlive, Timeout: keepWait, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: redialAfter, Multiplier: 1.5, Jitter: 0.2, MaxDelay: time.Second,
			},
			MinConnectTimeout: dialTimeout,
		}),
	)
}
