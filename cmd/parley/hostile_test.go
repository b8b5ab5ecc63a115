package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
)

// everyPath is where dev mode's dialects listen that let a client in before it shows anything.
var everyPath = []string{"/api/v2/dashboard/ws", "/ws", "/ws/telemetry", "/ws/alerts", "/ws/system", "/ws/devices"}

// reliability.md check 4 in small: 10,000 lines of random bytes on each socket, as messages and as raw bytes behind the
// handshake. The server is the same process afterwards, and holds no goroutine more.
func TestHostile_TenThousandRandomLinesLeaveNothingBehind(t *testing.T) {
	r := serveDev(t)
	address := strings.TrimPrefix(r.base, "http://")
	before := goroutines(t, r)
	random := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(t.Name()))))
	for _, path := range everyPath {
		sent, sockets := 0, 0
		for sent < 10_000 {
			n, err := babble(address, path, 10_000-sent, random)
			if sent += n; err != nil {
				t.Fatalf("%s after %d lines: %v", path, sent, err)
			}
			sockets++
		}
		t.Logf("%s: 10,000 lines over %d sockets", path, sockets)
		for range 20 {
			if err := rubbish(address, path, random); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
	if status, body := get(t, r.base+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz is %d: %s", status, body)
	}
	deadline := time.Now().Add(20 * time.Second)
	for after := goroutines(t, r); after > before+3; after = goroutines(t, r) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, after)
		}
	}
	select {
	case <-r.ended:
		t.Fatal("the process ended")
	default:
	}
}

// babble sends up to most random lines over one socket and returns how many went before the server had enough.
func babble(address, path string, most int, random *rand.Rand) (sent int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, _, err := ws.Dial(ctx, "ws://"+address+path, nil)
	if err != nil {
		return 0, err
	}
	defer conn.CloseNow()
	go io.Copy(io.Discard, reader{ctx, conn})
	for ; sent < most; sent++ {
		op, line := ws.MessageText, []byte(fmt.Sprintf("%x", words(random, 40)))
		switch random.IntN(4) {
		case 0:
			op, line = ws.MessageBinary, words(random, 200)
		case 1:
			line = []byte(strings.ToValidUTF8(string(words(random, 200)), "?"))
		case 2:
			line = []byte(fmt.Sprintf(`{"type":%q,"channel":%q,"token":"%x"}`, words(random, 5), words(random, 5),
				words(random, 20)))
			line = []byte(strings.ToValidUTF8(string(line), "?"))
		}
		if conn.Write(ctx, op, line) != nil {
			return max(sent, 1), nil // it was closed, as it may be
		}
	}
	return sent, nil
}

// reader reads away what a socket gets.
type reader struct {
	ctx  context.Context
	conn *ws.Conn
}

func (r reader) Read(p []byte) (int, error) {
	_, _, err := r.conn.Read(r.ctx)
	return 0, err
}

// rubbish shakes hands and then sends bytes that are no frames.
func rubbish(address, path string, random *rand.Rand) error {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: "+
		"websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, address)
	if err != nil {
		return err
	}
	_, _ = conn.Write(words(random, 4000)) // the server may be gone by now, which is as good
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("no TCP")
	}
	_ = half.CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

// words are up to most random bytes.
func words(random *rand.Rand, most int) []byte {
	out := make([]byte, 0, most+8)
	for n := random.IntN(most) + 1; len(out) < n; {
		out = binary.LittleEndian.AppendUint64(out, random.Uint64())
	}
	return out
}

func goroutines(t *testing.T, r *running) (n int) {
	t.Helper()
	_, metrics := get(t, r.base+"/metrics")
	_, rest, _ := strings.Cut(metrics, "\ngo_goroutines ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatalf("no go_goroutines in the metrics: %v", err)
	}
	return n
}
