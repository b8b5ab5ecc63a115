package server

import (
	"context"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol/valtronics"
	"github.com/parley-realtime/parley/transport/auth"
)

// F17: a connection outlived the key of its token. A reload that removes the key ends it; one that leaves the key there
// ends nothing.
func TestServer_ReloadEndsWhatStandsOnARemovedKeyAndNothingElse(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg := devConfig(t)
	old, fresh := cfg.Tenants[0].Keys[0], config.Key{Alg: "HS256", Secret: "a secret of the tenant, of 32 bytes and more"}
	s := run(t, cfg)
	enter := func() *ws.Conn {
		t.Helper()
		token, err := s.Token(config.DevTenant, auth.Grant{User: "ann", TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		conn, _, err := ws.Dial(ctx, "ws://"+s.Address()+valtronics.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		if err := conn.Write(ctx, ws.MessageText, []byte(`{"type":"auth","token":"`+token+`"}`)); err != nil {
			t.Fatal(err)
		}
		if _, said, err := conn.Read(ctx); err != nil || string(said) != `{"type":"auth_response","success":true}` {
			t.Fatalf("it hears %s, %v", said, err)
		}
		return conn
	}
	reload := func(keys ...config.Key) {
		t.Helper()
		next := cfg
		next.Tenants = append([]config.Tenant(nil), cfg.Tenants...)
		next.Tenants[0].Keys = keys
		if err := s.Reload(next); err != nil {
			t.Fatal(err)
		}
	}
	lives := func(conn *ws.Conn) {
		t.Helper()
		if err := conn.Write(ctx, ws.MessageText, []byte(`{"type":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.Read(ctx); err != nil {
			t.Errorf("it ended: %v", err)
		}
	}
	before := enter()
	reload(fresh, old)
	lives(before)
	after := enter() // by the first key, which is the fresh one
	reload(fresh)
	lives(after)
	for {
		_, _, err := before.Read(ctx)
		if err == nil {
			continue // its words about the end
		}
		if code := ws.CloseStatus(err); code != ws.StatusPolicyViolation {
			t.Errorf("it ended with %v", err)
		}
		break
	}
}
