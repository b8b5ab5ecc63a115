package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol/valtronics"
	"github.com/parley-realtime/parley/transport/auth"
)

// logBook is where a test's server logs.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBook) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// count is how many lines say something.
func (j *logBook) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// F21: clients that report errors in a loop do not write a line each time.
func TestReports_OfClientsInALoopAreSummedUpInTheLog(t *testing.T) {
	const clients, each = 5, 30
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var log logBook
	s, err := New(devConfig(t), Options{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Run()
	defer s.Close(ctx)
	token, err := s.Token(config.DevTenant, auth.Grant{User: "ann", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range clients {
		conn, _, err := ws.Dial(ctx, "ws://"+s.Address()+valtronics.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		say := func(text string) {
			if err := conn.Write(ctx, ws.MessageText, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		hear := func(want string) {
			if _, got, err := conn.Read(ctx); err != nil || !strings.Contains(string(got), want) {
				t.Fatalf("got %s, %v; want %s", got, err, want)
			}
		}
		say(fmt.Sprintf(`{"type":"auth","token":"%s"}`, token))
		hear(`"success":true`)
		for i := range each {
			say(fmt.Sprintf(`{"type":"error_report","number":%d}`, i))
		}
		say(`{"type":"ping"}`) // all that came before it was read
		hear(`"pong"`)
	}
	if n := log.count("a client reports"); n == 0 || n > clients*each/5 {
		t.Errorf("%d reports wrote %d lines", clients*each, n)
	}
}
