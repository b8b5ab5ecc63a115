package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/auth"
)

// full says that checks run at the size that reliability.md names, which may take minutes; else they run at one that
// fits into make test.
func full() bool { return os.Getenv("PARLEY_CHECKS") == "full" }

// within fails the test if something took longer than its check allows. That is wanted at full size alone, which is run
// with the machine to itself: in the small run others are at work too, and patience is the end of every wait.
func within(t *testing.T, what string, took, bound time.Duration) {
	t.Helper()
	t.Logf("%s: %s, of at most %s", what, took, bound)
	if full() && took > bound {
		t.Errorf("%s took %s, of at most %s", what, took, bound)
	}
}

// scale is a size of a check.
func scale(small, large int) int {
	if full() {
		return large
	}
	return small
}

// devTokens signs tokens of dev mode, without a process for each.
func devTokens(t *testing.T) func(auth.Grant) string {
	t.Helper()
	return tokens(t, config.DevTenant, config.DevSecret)
}

// tokens signs tokens of a tenant.
func tokens(t *testing.T, tenant, secret string) func(auth.Grant) string {
	t.Helper()
	signer, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{tenant: {Keys: []auth.Key{{Secret: secret}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(signer.Close)
	return func(g auth.Grant) string {
		t.Helper()
		token, err := signer.Sign(tenant, g)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

// alive fails the test if the process has ended.
func (r *running) alive() {
	r.t.Helper()
	select {
	case <-r.ended:
		r.t.Fatal("the process ended")
	default:
	}
	if status, body := get(r.t, r.internal+"/readyz"); status != http.StatusOK {
		r.t.Errorf("readyz is %d: %s", status, body)
	}
}

// resident is the memory of the process in bytes. ok is false where the kernel does not tell.
func (r *running) resident() (bytes int64, ok bool) {
	r.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	_, rest, found := strings.Cut(string(text), "\nVmRSS:")
	if err != nil || !found {
		r.t.Logf("no memory is measured on %s", runtime.GOOS)
		return 0, false
	}
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		r.t.Fatal(err)
	}
	return bytes << 10, true
}

// processor is how long the process has computed. ok is false where the kernel does not tell.
func (r *running) processor() (took time.Duration, ok bool) {
	r.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		r.t.Logf("no processor time is measured on %s", runtime.GOOS)
		return 0, false
	}
	const tick = time.Second / 100 // whatever the kernel's own clock is
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		r.t.Fatal(err)
	}
	return time.Duration(user+system) * tick, true
}

// watchers are clients that want to hear every event, one after the other, whatever goes on beside them.
type watchers struct {
	r       *running
	size    int
	said    int        // events so far
	results chan error // one of each client, nil if it heard all up to the last
}

// watchers brings clients in, on dashboards, which anybody may watch.
func (r *running) watchers(size int) *watchers {
	r.t.Helper()
	c := &watchers{r: r, size: size, results: make(chan error, size)}
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	r.t.Cleanup(listening.Wait)
	r.t.Cleanup(cancel)
	var conns []*websocket.Conn
	for range size {
		conns = append(conns, r.dial("/api/v2/dashboard/ws"))
	}
	for _, conn := range conns {
		if hello, err := next(r.t, conn); err != nil || !strings.Contains(hello, "connected") {
			r.t.Fatalf("a bystander hears %q %v", hello, err)
		}
		listening.Go(func() { c.results <- inOrder(ctx, conn, `"trigger":"n-`) })
	}
	r.subscribed(size, "projects")
	return c
}

// inOrder wants events in the order of the numbers behind mark, from 1 on, until number 0 says that it is over.
func inOrder(ctx context.Context, conn *websocket.Conn, mark string) error {
	for heard := 0; ; {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("after %d events: %w", heard, err)
		}
		_, rest, found := strings.Cut(string(message), mark)
		if !found {
			continue // a heartbeat
		}
		n := -1
		if _, err := fmt.Sscanf(rest, "%d", &n); err == nil && n == 0 {
			return nil
		}
		if heard++; n != heard {
			return fmt.Errorf("instead of event %d comes %s", heard, message)
		}
	}
}

// hear publishes the next event.
func (c *watchers) hear() {
	c.r.t.Helper()
	c.said++
	c.publish(c.said)
}

// publish wants that an event is delivered to all watchers. Others may be on dashboards at that moment.
func (c *watchers) publish(n int) {
	c.r.t.Helper()
	status, answer := c.r.post("dev", fmt.Sprintf(`{"event":{"kind":"project_updated",`+
		`"data":{"project_name":"crowded","trigger":"n-%d"}}}`, n))
	var receipt struct{ Delivered int }
	if err := json.Unmarshal([]byte(answer), &receipt); err != nil || status != http.StatusOK ||
		receipt.Delivered < c.size {
		c.r.t.Errorf("event %d: %d %s, want it delivered to %d", n, status, answer, c.size)
	}
}

// heardAll publishes an end and wants that everybody has heard all.
func (c *watchers) heardAll() {
	c.r.t.Helper()
	c.publish(0)
	late := time.After(patience)
	for range c.size {
		select {
		case err := <-c.results:
			if err != nil {
				c.r.t.Errorf("a bystander: %v", err)
			}
		case <-late:
			c.r.t.Fatalf("bystanders wait for the last of %d events", c.said)
		}
	}
}

// wire is a socket whose frames are made by hand.
type wire struct {
	net.Conn
	in *bufio.Reader
}

// wire shakes hands on a path.
func (r *running) wire(path string) *wire {
	r.t.Helper()
	w, status, err := r.knock("GET " + path + " HTTP/1.1\r\nHost: " + r.host() +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil || status != http.StatusSwitchingProtocols {
		r.t.Fatalf("%s: %d %v", path, status, err)
	}
	return w
}

func (r *running) host() string { return strings.TrimPrefix(r.base, "http://") }

// knock sends a request as it is and reads the answer's status; 0 is a connection that was closed without one.
func (r *running) knock(request string) (*wire, int, error) {
	r.t.Helper()
	conn, err := net.DialTimeout("tcp", r.host(), patience)
	if err != nil {
		return nil, 0, err
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, 0, err
	}
	w := &wire{conn, bufio.NewReaderSize(conn, 512)}
	_, _ = io.WriteString(conn, request) // the server may have had enough before its end
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return w, 0, nil
	}
	return w, response.StatusCode, nil
}

// farewell reads until the close frame and returns its code; 0 is an end without one.
func (w *wire) farewell() int {
	for {
		var head [2]byte
		if _, err := io.ReadFull(w.in, head[:]); err != nil {
			return 0
		}
		length := int64(head[1] & 127)
		if length == 126 {
			var long [2]byte
			if _, err := io.ReadFull(w.in, long[:]); err != nil {
				return 0
			}
			length = int64(binary.BigEndian.Uint16(long[:]))
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(w.in, payload); err != nil {
			return 0
		}
		if head[0]&15 == 8 && length >= 2 {
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// say writes a text of less than 64 KiB.
func (w *wire) say(t *testing.T, text string) {
	t.Helper()
	if _, err := w.Write(masked(text)); err != nil {
		t.Fatal(err)
	}
}

// masked is a text frame. Its mask is zero, which is a mask like any other and leaves the text as it is.
func masked(text string) []byte {
	frame := []byte{0x81, 0x80 | byte(min(len(text), 126))}
	if len(text) > 125 {
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	}
	return append(append(frame, 0, 0, 0, 0), text...)
}

// ask makes an API call with dev mode's key and returns status and body, whatever they are.
func (r *running) ask(method, path, body string) (int, string) {
	r.t.Helper()
	return r.askAs("dev", method, path, body)
}
