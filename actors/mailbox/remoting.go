package mailbox

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
)

// The one kind of message that passes between nodes: a parcel for the actor of the link.
const (
	linkActor  = "link"
	parcelType = "google.protobuf.BytesValue"
	parcelTag  = 1<<3 | 2 // its one field
)

// batchBytes is how much a batch has when it is sent.
const batchBytes = 1 << 20

// Remoting is the server of protoactor's remoting service. It calls its functions from one goroutine for each node that
// sends.
type Remoting struct {
	remote.UnimplementedRemotingServer

	// Node is the system id that it tells.
	Node string
	// From returns who is at the other end of a call, given the call's context; an error ends the call.
	From func(context.Context) (node string, err error)
	// Parcel takes a parcel that a node sent, and may keep it. Nothing more is read from the node until it returns.
	Parcel func(from string, parcel []byte)
}

// Register makes a server serve it.
func (r *Remoting) Register(server grpc.ServiceRegistrar) { remote.RegisterRemotingServer(server, r) }

// Receive implements remote.RemotingServer: it takes the batches of one node.
func (r *Remoting) Receive(stream remote.Remoting_ReceiveServer) error {
	node, err := r.From(stream.Context())
	if err != nil {
		return err
	}
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
				r.Parcel(node, parcel)
			}
		}
	}
}

func (r *Remoting) welcome() *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectResponse{
		ConnectResponse: &remote.ConnectResponse{MemberId: r.Node},
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

// Sender sends parcels to the remoting service of another node.
type Sender struct {
	// Node and Address are the sender's own, as it tells them.
	Node, Address string
	// To is the address of the other node.
	To string
}

// Send opens a call and sends what take gives, about 1 MiB at a time. It blocks until the call fails, or take gives
// nil, which it does when the context ends.
func (s Sender) Send(ctx context.Context, over grpc.ClientConnInterface, take func(context.Context) [][]byte) error {
	stream, err := remote.NewRemotingClient(over).Receive(ctx)
	if err != nil {
		return err
	}
	hello := &remote.ServerConnection{SystemId: s.Node, Address: s.Address}
	err = stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{
		ConnectRequest: &remote.ConnectRequest{
			ConnectionType: &remote.ConnectRequest_ServerConnection{ServerConnection: hello},
		},
	}})
	if err == nil {
		_, err = stream.Recv()
	}
	for err == nil {
		all := take(ctx)
		if all == nil {
			return ctx.Err()
		}
		err = s.sendBatches(stream, all)
	}
	if errors.Is(err, io.EOF) { // the other end has ended the call: its word comes with what is received
		_, err = stream.Recv()
	}
	return err
}

// sendBatches sends parcels, about batchBytes at a time.
func (s Sender) sendBatches(stream remote.Remoting_ReceiveClient, all [][]byte) error {
	for len(all) > 0 {
		batch := &remote.MessageBatch{
			TypeNames: []string{parcelType},
			Targets:   []*actor.PID{{Address: s.To, Id: linkActor}},
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
