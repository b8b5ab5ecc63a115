package centrifugo

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"
	"github.com/centrifugal/gocent/v3"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/cmd/parley/server"
)

const settings = `
centrifuge: {insecure: true}
topic_rules:
  - {pattern: "*", publish: clients, history_count: 100}
`

// serve runs a server, and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := config.Load(config.Sources{Protocols: protocols.All, File: file, Dev: true,
		Environ: []string{"PARLEY_LISTEN=127.0.0.1:0", "PARLEY_FEED=false"}})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	s, err := server.New(loaded.Config, server.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	s.Run()
	return s.Address()
}

// heard waits for what comes next.
func heard[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// subscriber is a client with one subscription, and what it hears.
type subscriber struct {
	client       *centrifuge.Client
	sub          *centrifuge.Subscription
	publications chan string
	subscribed   chan centrifuge.SubscribedEvent
	joined       chan string
}

func subscribe(t *testing.T, address, channel string) *subscriber {
	t.Helper()
	s := &subscriber{publications: make(chan string, 100), subscribed: make(chan centrifuge.SubscribedEvent, 10),
		joined: make(chan string, 10)}
	s.client = centrifuge.NewJsonClient("ws://"+address+"/connection/websocket", centrifuge.Config{
		MinReconnectDelay: time.Millisecond, MaxReconnectDelay: time.Millisecond})
	t.Cleanup(s.client.Close)
	var err error
	s.sub, err = s.client.NewSubscription(channel, centrifuge.SubscriptionConfig{JoinLeave: true})
	if err != nil {
		t.Fatal(err)
	}
	s.sub.OnPublication(func(e centrifuge.PublicationEvent) { s.publications <- string(e.Data) })
	s.sub.OnSubscribed(func(e centrifuge.SubscribedEvent) { s.subscribed <- e })
	s.sub.OnJoin(func(e centrifuge.JoinEvent) { s.joined <- e.Client })
	if err := s.client.Connect(); err != nil {
		t.Fatal(err)
	}
	if err := s.sub.Subscribe(); err != nil {
		t.Fatal(err)
	}
	heard(t, s.subscribed)
	return s
}

// CFG.7, CFG.14, CFG.23, CFG.27, CFG.28, CFG.29, CFG.30, CFG.31: the client library sees a server of its own.
func TestCentrifugeGo_SubscribesPublishesAndAsks(t *testing.T) {
	address := serve(t)
	first := subscribe(t, address, "room")
	second := subscribe(t, address, "room")
	heard(t, first.joined)
	if _, err := second.sub.Publish(t.Context(), []byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*subscriber{first, second} {
		if got := heard(t, s.publications); got != `{"n":1}` {
			t.Errorf("heard %s", got)
		}
	}
	past, err := first.sub.History(t.Context(), centrifuge.WithHistoryLimit(-1))
	if err != nil || len(past.Publications) != 1 || past.Offset != 1 || past.Publications[0].Offset != 1 {
		t.Errorf("history: %+v %v", past, err)
	}
	present, err := first.sub.Presence(t.Context())
	if err != nil || len(present.Clients) != 2 {
		t.Errorf("presence: %+v %v", present, err)
	}
	if count, err := first.sub.PresenceStats(t.Context()); err != nil || count.NumClients != 2 {
		t.Errorf("presence stats: %+v %v", count, err)
	}
	if _, err := first.client.RPC(t.Context(), "m", nil); err == nil || !strings.Contains(err.Error(), "108") {
		t.Errorf("rpc: %v", err)
	}
}

// CFG.24: a client whose connection broke hears what it missed, in order and once.
func TestCentrifugeGo_RecoversWhatItMissed(t *testing.T) {
	address := serve(t)
	s, backend := subscribe(t, address, "room"), publisher(address)
	publish := func(data string) {
		t.Helper()
		if _, err := backend.Publish(t.Context(), "room", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	publish(`1`)
	heard(t, s.publications)
	if err := s.client.Disconnect(); err != nil {
		t.Fatal(err)
	}
	publish(`2`)
	publish(`"three"`)
	if err := s.client.Connect(); err != nil {
		t.Fatal(err)
	}
	if back := heard(t, s.subscribed); !back.Recovered || !back.WasRecovering {
		t.Errorf("subscribed again: %+v", back)
	}
	publish(`4`)
	for _, want := range []string{`2`, `"three"`, `4`} {
		if got := heard(t, s.publications); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
}

func publisher(address string) *gocent.Client {
	return gocent.New(gocent.Config{Addr: "http://" + address + "/api", Key: config.DevAPIKey})
}

// The backend library publishes and asks, and disconnects for good.
func TestGocent_PublishesAsksAndDisconnects(t *testing.T) {
	address := serve(t)
	s, backend, ctx := subscribe(t, address, "room"), publisher(address), t.Context()
	over := make(chan uint32, 1)
	s.client.OnDisconnected(func(e centrifuge.DisconnectedEvent) { over <- e.Code })
	if at, err := backend.Publish(ctx, "room", []byte(`{"n":1}`)); err != nil || at.Offset != 1 || at.Epoch == "" {
		t.Errorf("publish: %+v %v", at, err)
	}
	all, err := backend.Broadcast(ctx, []string{"room", "other"}, []byte(`2`))
	if err != nil || len(all.Responses) != 2 {
		t.Errorf("broadcast: %+v %v", all, err)
	}
	heard(t, s.publications)
	heard(t, s.publications)
	present, err := backend.Presence(ctx, "room")
	if err != nil || len(present.Presence) != 1 {
		t.Fatalf("presence: %+v %v", present, err)
	}
	if count, err := backend.PresenceStats(ctx, "room"); err != nil || count.NumClients != 1 {
		t.Errorf("presence stats: %+v %v", count, err)
	}
	past, err := backend.History(ctx, "room", gocent.WithLimit(1), gocent.WithReverse(true))
	if err != nil || len(past.Publications) != 1 || past.Publications[0].Offset != 2 {
		t.Errorf("history: %+v %v", past, err)
	}
	if found, err := backend.Channels(ctx); err != nil || len(found.Channels) != 1 {
		t.Errorf("channels: %+v %v", found, err)
	}
	if info, err := backend.Info(ctx); err != nil || len(info.Nodes) != 1 || info.Nodes[0].NumClients != 1 {
		t.Errorf("info: %+v %v", info, err)
	}
	for client := range present.Presence {
		if err := backend.Disconnect(ctx, "", gocent.WithDisconnectClient(client)); err != nil {
			t.Fatal(err)
		}
	}
	if code := heard(t, over); code != 3503 {
		t.Errorf("disconnected with %d", code)
	}
}
