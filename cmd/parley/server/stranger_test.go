package server

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/firstframe"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// F18: 300 of 300 silent strangers on /ws were alive after 22 s. Nobody stays who does not say who it is, neither by
// silence nor by a byte a second, and what it is told is 1008 auth_timeout.
func TestStrangers_AreClosedHoweverSlowlyTheySpeak(t *testing.T) {
	dialects := map[string]struct {
		path string
		make protocol.Dialect
	}{
		"the shared path": {"/ws", firstframe.New(firstframe.DefaultConfig(), "/ws", airlay.New(airlay.DefaultConfig()),
			valtronics.New(valtronics.DefaultConfig()))},
		"valtronics": {"/ws", valtronics.New(valtronics.DefaultConfig())},
		"airlay":     {"/ws", airlay.New(airlay.DefaultConfig())},
		"the dashboard": {"/api/v2/dashboard/ws",
			dashboard.New(dashboard.Config{Enabled: true, Heartbeat: 30, MultiTenant: true})},
	}
	for name, d := range dialects {
		for how, pause := range map[string]time.Duration{"silent": 0, "a byte a second": time.Second} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &stage{t: t, build: func(dialecttest.Settings) (protocol.Dialect, error) {
						return d.make,
							nil
					}}
					defer s.end()
					s.start()
					conn, err := s.pipes.dial(context.Background(), "", "")
					s.must(err)
					var speaking sync.WaitGroup
					defer speaking.Wait()
					defer conn.Close()
					_, err = io.WriteString(conn, "GET "+d.path+
						" HTTP/1.1\r\nHost: parley.test\r\nUpgrade: websocket\r\nConnection: "+
						"Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
					s.must(err)
					in := bufio.NewReader(conn)
					answer, err := http.ReadResponse(in, nil)
					s.must(err)
					if answer.StatusCode != http.StatusSwitchingProtocols {
						t.Fatalf("status %d", answer.StatusCode)
					}
					if pause > 0 { // the head of a text frame of 125 bytes, its mask, then one byte after the other
						speaking.Go(func() {
							for _, b := range append([]byte{0x81, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...) {
								if _, err := conn.Write([]byte{b}); err != nil {
									return
								}
								time.Sleep(pause)
							}
						})
					}
					began := time.Now()
					said, _ := io.ReadAll(in)
					if lasted := time.Since(began); lasted > 22*time.Second {
						t.Errorf("it was alive for %s", lasted)
					}
					if want := "\x03\xf0auth_timeout"; len(said) < len(want) ||
						string(said[len(said)-len(want):]) != want {
						t.Errorf("it was told %q", said)
					}
				})
			})
		}
	}
}

// F18: the bounds of strangers are on by default, 500 people behind one address do not meet them, and dev mode lifts
// them.
func TestStrangers_BoundsLetAnOfficeIn(t *testing.T) {
	load := func(dev bool) config.Config {
		t.Helper()
		loaded := config.Load(config.Sources{Protocols: protocols.All, Dev: dev})
		return loaded.Config
	}
	engine := load(false).Engine
	if engine.Unauthenticated < 2*engine.UnauthenticatedPerAddress || engine.UnauthenticatedPerAddress < 2*500 ||
		engine.Unauthenticated >= config.Unlimited {
		t.Errorf("in all %d, of an address %d", engine.Unauthenticated, engine.UnauthenticatedPerAddress)
	}
	if engine = load(true).Engine; engine.Unauthenticated < config.Unlimited ||
		engine.UnauthenticatedPerAddress < config.Unlimited {
		t.Errorf("in dev mode %d, of an address %d", engine.Unauthenticated, engine.UnauthenticatedPerAddress)
	}
}
