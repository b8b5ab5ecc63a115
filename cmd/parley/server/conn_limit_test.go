package server

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/websocket"
)

// reliability.md check 45: those who begin a handshake and do not end it take no descriptor from health; a client
// over the limit gets 503, and when they have left there is room again.
func TestConnLimit_AClientOverItGets503AndTheServerItselfGoesOn(t *testing.T) {
	c := newConnLimit(3, func() int64 { return 1 })
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	l, err := listen("listen", "127.0.0.1:0", nil, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.server.Handler = hello
	l.serve(slog.New(slog.DiscardHandler))
	defer c.done.Wait()
	defer l.stop(t.Context())
	var slow []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		slow = append(slow, conn)
	}
	// the kernel takes them before we do
	eventually(t, "both are being asked", func() bool { return c.requests.Load() == 2 })
	status := func() int {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
		answer, err := client.Get("http://" + l.Addr().String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		if answer.StatusCode == 503 && (err != nil || answer.Header.Get("Retry-After") != "5" ||
			!strings.Contains(string(said), `"code":"busy"`)) {
			t.Errorf("it is told %s (%v), %v", said, err, answer.Header)
		}
		return answer.StatusCode
	}
	for range 5 {
		if got := status(); got != 503 {
			t.Fatalf("one too many gets %d", got)
		}
	}
	for _, conn := range slow {
		conn.Close()
	}
	eventually(t, "nobody is being asked", func() bool { return c.requests.Load() == 0 })
	if got := status(); got != 200 {
		t.Errorf("when the others have left one gets %d", got)
	}
}

func TestServer_WarnsOfMoreConnectionsThanThereAreDescriptors(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	var cfg config.Config
	cfg.WebSocket.MaxSockets = 900
	cfg.Tenants = []config.Tenant{{Connections: 500}, {Connections: 5000}}
	warnDescriptors(&cfg, websocket.FDBudgetFor(2000), logger)
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "tenants[].connections") {
		t.Errorf("log:\n%s", &log)
	}
	cfg.WebSocket.MaxSockets = 1900
	log.Reset()
	warnDescriptors(&cfg, websocket.FDBudgetFor(2000), logger)
	for _, want := range []string{"setting=websocket.max_sockets value=1900",
		"setting=tenants[].connections value=5000", "allowed=1800 descriptors=2000", "ulimit -n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &log)
		}
	}
}

// eventually waits until it is so, which other goroutines or the kernel bring about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not yet after 20 s: %s", what)
		}
	}
}
