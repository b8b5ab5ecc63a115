package server

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/authentik"
	"github.com/parley-realtime/parley/protocol/dialecttest"
)

// pausing is a connection whose owner does not read for a while, now and then.
type pausing struct {
	net.Conn
	until *atomic.Int64 // Unix nanoseconds
}

func (d pausing) Read(into []byte) (int, error) {
	n, err := d.Conn.Read(into)
	time.Sleep(time.Until(time.Unix(0, d.until.Load())))
	return n, err
}

// R003.18, R003.20, R003.21, R003.27: an outpost says HELLO twice at once, then every 10 s, and does not read for 9 s
// after each trigger. It stays connected and healthy for 5 minutes; 15 s after it has gone nobody knows it any more.
// F34: however short the engine's own patience is.
func TestOutpost_StaysForMinutesAndIsForgottenSoonAfter(t *testing.T) {
	for name, engine := range map[string]actors.Config{
		"by default": {}, "pings every 2 s": {PingEvery: 2 * time.Second},
		"a timeout of 3 s": {Timeout: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) { outpostStays(t, engine) })
	}
}

func outpostStays(t *testing.T, engine actors.Config) {
	synctest.Test(t, func(t *testing.T) {
		var asleep atomic.Int64
		s := &stage{t: t, engine: engine, settings: dialecttest.Settings{},
			wrap: func(c net.Conn) net.Conn { return pausing{c, &asleep} },
			build: func(dialecttest.Settings) (protocol.Dialect, error) {
				return authentik.NewOutpost(authentik.DefaultConfig()), nil
			}}
		defer s.end()
		const uuid = "0fc6b9a6-2b44-4b0e-9d4a-3c2f7b6a1d11"
		token := s.Token(dialecttest.Token{User: "ak", Form: protocol.Outpost, For: uuid, TTL: time.Hour})
		client, err := s.Open("/ws/outpost/"+uuid+"/", http.Header{"Authorization": {"Bearer " + token}})
		s.must(err)
		hello := []byte(`{"instruction":1,"args":{"buildHash":"tagged","hostname":"vm","uuid":"i-1",` +
			`"version":"2024.10.4"}}` + "\n")
		hears := func(want string) {
			t.Helper()
			if got, ok := client.Receive(10 * time.Second); !ok || string(got.Data) != want {
				t.Fatalf("at %s the outpost hears %s, want %s", time.Now(), got, want)
			}
		}
		const ack = `{"instruction":0,"args":{}}`
		client.Send(hello, false)
		hears(ack)
		for i := range 30 {
			client.Send(hello, false)
			hears(ack)
			if status, body := s.health(uuid); status != http.StatusOK || !strings.Contains(body, `"healthy":true`) ||
				!strings.Contains(body, `"version":"2024.10.4"`) {
				t.Fatalf("after %d HELLOs: %d %s", i+1, status, body)
			}
			if i%5 == 0 {
				asleep.Store(time.Now().Add(9 * time.Second).UnixNano())
				s.must(s.Publish(fmt.Appendf(nil, `{"event":{"kind":"trigger_update","data":{"outpost":"%s"}}}`, uuid)))
				before := time.Now()
				hears(`{"instruction":2,"args":{}}`)
				time.Sleep(10*time.Second - time.Since(before))
				continue
			}
			time.Sleep(10 * time.Second)
		}
		client.Leave()
		time.Sleep(4 * time.Second) // the last HELLO was 10 s ago
		if status, body := s.health(uuid); status != http.StatusOK {
			t.Errorf("14 s after its last HELLO: %d %s", status, body)
		}
		time.Sleep(time.Second)
		if status, body := s.health(uuid); status != http.StatusNotFound {
			t.Errorf("15 s after its last HELLO: %d %s", status, body)
		}
	})
}

// health asks the API about an outpost.
func (s *stage) health(uuid string) (status int, body string) {
	r := httptest.NewRequest("GET", "/api/v1/outposts/"+uuid, nil)
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	s.calls.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// mute is a client's connection on which nothing of what it writes behind its handshake arrives: a cable that was
// pulled.
type mute struct {
	net.Conn
	pulled *atomic.Bool
}

func (m mute) Write(data []byte) (int, error) {
	if m.pulled.Load() {
		return len(data), nil
	}
	return m.Conn.Write(data)
}

// F50: a transcript's client took a connection that was cut for silence, so three transcripts passed while being cut
// off.
func TestStoryClient_ACutConnectionIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pulled atomic.Bool
		s := &stage{t: t, build: func(dialecttest.Settings) (protocol.Dialect,
			error) {
			return airlay.New(airlay.DefaultConfig()), nil
		}}
		s.wrap = func(conn net.Conn) net.Conn { return mute{conn, &pulled} }
		defer s.end()
		client, err := s.Open(airlay.Path, nil)
		s.must(err)
		defer client.Leave()
		client.Send([]byte(`{"auth":"`+s.Token(dialecttest.Token{User: "5dad615eae019570fb4647ed", TTL: time.Hour})+
			`","action":"attach","event":{"type":"notification"}}`), false)
		if got, ok := client.Receive(time.Second); !ok || got.Closed {
			t.Fatalf("there came %s, %v", got, ok)
		}
		pulled.Store(true)
		if got, ok := client.Receive(5 * time.Minute); !ok || !got.Closed || got.Code != 1006 {
			t.Errorf("there came %s, %v; want the end 1006", got, ok)
		}
	})
}
