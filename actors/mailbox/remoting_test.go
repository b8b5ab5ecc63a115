package mailbox

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// served serves a remoting service, and returns a connection to it.
func served(t *testing.T, r *Remoting) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	r.Register(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	client, err := grpc.NewClient("passthrough:///node", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// collector is a node that collects the parcels of "evil".
func collector() (r *Remoting, parcels chan string) {
	parcels = make(chan string, 100)
	return &Remoting{
		Node: "a", From: func(context.Context) (string, error) { return "evil", nil },
		Parcel: func(from string, parcel []byte) { parcels <- from + ": " + string(parcel) },
	}, parcels
}

// A node that has a certificate sends what protoactor's own endpoint would pass on to actors, or end the process with.
func TestRemoting_OnlyParcelsPass(t *testing.T) {
	r, parcels := collector()
	stream, err := remote.NewRemotingClient(served(t, r)).Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := envelope([]byte("parcel"))
	good.Sender = 7
	batch := &remote.MessageBatch{
		TypeNames: []string{parcelType, "actor.Stop", "nobody.Knows"},
		Targets:   []*actor.PID{{Id: linkActor}, {Id: "activator"}, nil},
	}
	for _, spoil := range []func(*remote.MessageEnvelope){
		func(e *remote.MessageEnvelope) { e.TypeId = 1 },
		func(e *remote.MessageEnvelope) { e.TypeId = 2 },
		func(e *remote.MessageEnvelope) { e.TypeId = 3 },
		func(e *remote.MessageEnvelope) { e.TypeId = -1 },
		func(e *remote.MessageEnvelope) { e.Target = 1 },
		func(e *remote.MessageEnvelope) { e.Target = 2 },
		func(e *remote.MessageEnvelope) { e.Target = 3 },
		func(e *remote.MessageEnvelope) { e.Target = -1 },
		func(e *remote.MessageEnvelope) { e.SerializerId = 1 },
		func(e *remote.MessageEnvelope) { e.MessageData = nil },
		func(e *remote.MessageEnvelope) { e.MessageData[0] = 8 },
		func(e *remote.MessageEnvelope) { e.MessageData = e.MessageData[:4] },
	} {
		bad := envelope([]byte("bad"))
		spoil(bad)
		batch.Envelopes = append(batch.Envelopes, bad)
	}
	batch.Envelopes = append(batch.Envelopes, good)
	for _, m := range []*remote.RemoteMessage{
		{},
		{MessageType: &remote.RemoteMessage_DisconnectRequest{}},
		{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: batch}},
	} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-parcels; got != "evil: parcel" {
		t.Errorf("the node got %q", got)
	}
}

func TestRemoting_RefusesACallerThatItDoesNotKnow(t *testing.T) {
	r, _ := collector()
	r.From = func(context.Context) (string, error) { return "", status.Error(codes.PermissionDenied, "who is it?") }
	take := func(context.Context) [][]byte { return [][]byte{[]byte("parcel")} }
	err := Sender{Node: "b"}.Send(t.Context(), served(t, r), take)
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("the sender got %v", err)
	}
}

func TestSender_SendsAllInOrderUntilTheContextEnds(t *testing.T) {
	r, parcels := collector()
	ctx, cancel := context.WithCancel(t.Context())
	large := bytes.Repeat([]byte("x"), batchBytes)
	rest := [][][]byte{{[]byte("1"), large, []byte("2")}, {[]byte("3")}}
	take := func(ctx context.Context) (all [][]byte) {
		if len(rest) == 0 {
			<-ctx.Done()
			return nil
		}
		all, rest = rest[0], rest[1:]
		return all
	}
	ended := make(chan error, 1)
	go func() { ended <- Sender{Node: "b", Address: "there", To: "here"}.Send(ctx, served(t, r), take) }()
	for _, want := range []string{"1", string(large), "2", "3"} {
		if got := <-parcels; got != "evil: "+want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// The envelope is protoactor's own: what its serializer makes of a BytesValue.
func TestEnvelope_IsWhatProtoactorWouldSend(t *testing.T) {
	for _, size := range []int{1, 127, 128, 70_000} {
		parcel := bytes.Repeat([]byte{7}, size)
		want, name, err := remote.Serialize(wrapperspb.Bytes(parcel), 0)
		if err != nil || name != parcelType || !bytes.Equal(envelope(parcel).MessageData, want) {
			t.Errorf("%d bytes: %v, type %s", size, err, name)
		}
	}
}
