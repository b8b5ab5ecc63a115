package server

import (
	"context"
	"fmt"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/transport/auth"
)

// F17: a subscription outlived the key of the token that asked for it. A reload that removes the key ends it, and
// leaves the connection and what stands on other keys.
func TestServer_ReloadEndsWhatWasSubscribedToByARemovedKey(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const ann, bob = "5dad615eae019570fb4647ed", "5dad615eae019570fb4647ee"
	cfg := devConfig(t)
	old, fresh := cfg.Tenants[0].Keys[0],
		config.Key{Kid: "fresh", Alg: "HS256", Secret: "a secret of the tenant, of 32 bytes and more"}
	s := run(t, cfg)
	conn, _, err := ws.Dial(ctx, "ws://"+s.Address()+airlay.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	attach := func(user, object string) {
		t.Helper()
		token, err := s.Token(config.DevTenant, auth.Grant{User: user, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		request := fmt.Sprintf(`{"auth":"%s","action":"attach","event":{"type":"issueUpdate","id":"%s"}}`, token,
			object)
		if err := conn.Write(ctx, ws.MessageText, []byte(request)); err != nil {
			t.Fatal(err)
		}
		if _, said, err := conn.Read(ctx); err != nil || string(said) != `{"status":200,"message":"Ok","code":0}` {
			t.Fatalf("it hears %s, %v", said, err)
		}
	}
	reload := func(want string, keys ...config.Key) {
		t.Helper()
		next := cfg
		next.Tenants = append([]config.Tenant(nil), cfg.Tenants...)
		next.Tenants[0].Keys = keys
		if err := s.Reload(next); err != nil {
			t.Fatal(err)
		}
		page, _, err := s.node.Connections(ctx, config.DevTenant, actors.ConnectionQuery{Limit: 10})
		if err != nil || len(page) != 1 {
			t.Fatalf("%d connections, %v", len(page), err)
		}
		if got := fmt.Sprint(page[0].Subscriptions); got != want {
			t.Errorf("it is subscribed to %s, want %s", got, want)
		}
	}
	const first, second = "610217e481f6fc54736209e0", "610217e481f6fc54736209e1"
	attach(ann, first)
	reload("[issueUpdate/"+first+"]", fresh, old)
	attach(bob, second) // by the fresh key, which comes first
	reload("[issueUpdate/"+second+"]", fresh)
	reload("[]", old)
}
