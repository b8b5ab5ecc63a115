package cluster

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/keepalive"
	grpcpeer "google.golang.org/grpc/peer"
)

// The one kind of message that passes: a parcel for the actor of the link.
const (
	linkActor  = "link"
	parcelType = "google.protobuf.BytesValue"
	parcelTag  = 1<<3 | 2 // its one field
)

// Bounds of a connection of protoactor's.
const (
	batchBytes = 1 << 20 // a batch is sent when it has so many
	maxBatch   = 8 << 20
	window     = 1 << 20 // bytes that HTTP/2 takes in for a reader that does not read
	keepAlive  = 10 * time.Second
	keepWait   = 3 * time.Second
)

// gRPC writes errors of connections to stderr otherwise; they are told by Down. It may be set only before gRPC is used.
func init() { grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) }

// remoting is the server of protoactor's remoting service.
type remoting struct {
	remote.UnimplementedRemotingServer
	certificates *Certificates
	handler      Handler
	node         string // the system id that it tells
}

func newServer(r *remoting, secure *handshake) *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(secure),
		grpc.MaxRecvMsgSize(maxBatch),
		grpc.MaxConcurrentStreams(1),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(window),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepAlive, Timeout: keepWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	remote.RegisterRemotingServer(server, r)
	return server
}

// Receive implements remote.RemotingServer: it takes the batches of one node.
func (r *remoting) Receive(stream remote.Remoting_ReceiveServer) error {
	from, ok := grpcpeer.FromContext(stream.Context())
	if !ok {
		return ErrStranger
	}
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return ErrStranger
	}
	node := r.certificates.nodeOf(info.State.PeerCertificates[0])
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		if m.GetConnectRequest() != nil {
			if err := stream.Send(r.welcome()); err != nil {
				return err
			}
		}
		if batch := m.GetMessageBatch(); batch != nil {
			for parcel := range parcels(batch) {
				r.handler.Parcel(node, parcel)
			}
		}
	}
}

func (r *remoting) welcome() *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectResponse{
		ConnectResponse: &remote.ConnectResponse{MemberId: r.node},
	}}
}

// parcels are those of a batch. All else is ignored: messages to other actors or of other types.
func parcels(batch *remote.MessageBatch) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, e := range batch.Envelopes {
			if parcel, ok := parcelOf(batch, e); ok && !yield(parcel) {
				return
			}
		}
	}
}

func parcelOf(batch *remote.MessageBatch, e *remote.MessageEnvelope) (parcel []byte, ok bool) {
	within := e.TypeId >= 0 && int(e.TypeId) < len(batch.TypeNames) &&
		e.Target >= 0 && int(e.Target) < len(batch.Targets)
	if !within || e.SerializerId != 0 || batch.TypeNames[e.TypeId] != parcelType ||
		batch.Targets[e.Target].GetId() != linkActor || len(e.MessageData) == 0 || e.MessageData[0] != parcelTag {
		return nil, false
	}
	n, size := binary.Uvarint(e.MessageData[1:])
	if size <= 0 || n != uint64(len(e.MessageData)-1-size) {
		return nil, false
	}
	return e.MessageData[1+size:], true
}

// envelope is a parcel as protoactor has it: a BytesValue.
func envelope(parcel []byte) *remote.MessageEnvelope {
	data := make([]byte, 0, 1+binary.MaxVarintLen64+len(parcel))
	data = binary.AppendUvarint(append(data, parcelTag), uint64(len(parcel)))
	return &remote.MessageEnvelope{MessageData: append(data, parcel...)}
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

// sendParcels sends what the queue gives until the context ends or the call fails.
func (p *Peer) sendParcels(ctx context.Context, client remote.RemotingClient) error {
	stream, err := client.Receive(ctx)
	if err != nil {
		return err
	}
	hello := &remote.ServerConnection{SystemId: p.port.certificates.Node(), Address: p.port.address}
	err = stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{
		ConnectRequest: &remote.ConnectRequest{
			ConnectionType: &remote.ConnectRequest_ServerConnection{ServerConnection: hello},
		},
	}})
	if err == nil {
		_, err = stream.Recv()
	}
	for err == nil {
		all := p.parcels.take(ctx)
		if all == nil {
			return ctx.Err()
		}
		err = p.sendBatches(stream, all)
	}
	return err
}

// sendBatches sends parcels, about batchBytes at a time.
func (p *Peer) sendBatches(stream remote.Remoting_ReceiveClient, all [][]byte) error {
	for len(all) > 0 {
		batch := &remote.MessageBatch{
			TypeNames: []string{parcelType},
			Targets:   []*actor.PID{{Address: p.address, Id: linkActor}},
		}
		for bytes := 0; len(all) > 0 && bytes < batchBytes; all = all[1:] {
			bytes += len(all[0])
			batch.Envelopes = append(batch.Envelopes, envelope(all[0]))
		}
		m := &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: batch}}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}
