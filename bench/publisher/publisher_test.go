package publisher

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// backend is an HTTP server that keeps what was published.
type backend struct {
	answer func(w http.ResponseWriter)
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	from   map[string]int // requests of each connection
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.bodies, b.heads = append(b.bodies, r.Method+" "+r.URL.Path+" "+string(body)), append(b.heads, r.Header)
	b.from[r.RemoteAddr]++
	b.mu.Unlock()
	b.answer(w)
}

func house(t *testing.T, answer func(w http.ResponseWriter)) (*backend, string) {
	t.Helper()
	b := &backend{answer: answer, from: map[string]int{}}
	h := httptest.NewServer(b)
	t.Cleanup(h.Close)
	return b, h.Listener.Addr().String()
}

func ok(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"ok":1}`) }

// plan is a plan that publishes count events by the words of publish.topic.
func plan(t *testing.T, address, call string, count int) Plan {
	t.Helper()
	name := "topic"
	if strings.Contains(call, "item:") {
		name = "batch"
	}
	p, err := target.Decode(fmt.Appendf(nil,
		`{name: x, command: [x], ready: {tcp: true}, client: {path: /}, stamp: t, sequence: s,`+
			` payload: '"${sequence}"', publish: {%s: %s}}`, name, call))
	if err != nil {
		t.Fatal(err)
	}
	made := Plan{Call: p.Publish.Topic, Payload: &p.Payload, Pad: 3, Address: address,
		Targets: []Target{{N: 1, Topic: 1}}, Values: target.Values{Port: 9}}
	if made.Call == nil {
		made.Call = p.Publish.Batch
	}
	left := count
	made.Admit = func(events int) bool { left -= events; return left >= 0 }
	return made
}

// run publishes until there is no more room.
func run(t *testing.T, p Plan) (int64, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	room := p.Admit
	p.Admit = func(events int) bool {
		if room(events) {
			return true
		}
		cancel()
		return false
	}
	made, err := New(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	err = made.Run(ctx, time.Now().Add(time.Minute))
	if ctx.Err() != nil {
		err = nil
	}
	return made.Events(), err
}

const single = `{path: '/p/${topic}', header: ["X-API-Key: k"], body: '${user} ${payload} ${pad}', good: ok}`

func TestRun_PublishesOverOneConnectionInTurn(t *testing.T) {
	b, address := house(t, ok)
	p := plan(t, address, single, 4)
	p.Targets = []Target{{N: 7, Topic: 1}, {N: 8, Topic: 2}}
	if events, err := run(t, p); events != 4 || err != nil {
		t.Fatalf("%d events, %v", events, err)
	}
	want := []string{`POST /p/topic-1 user-7 "1" xxx`, `POST /p/topic-2 user-8 "1" xxx`,
		`POST /p/topic-1 user-7 "2" xxx`, `POST /p/topic-2 user-8 "2" xxx`}
	if got := strings.Join(b.bodies, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	if len(b.from) != 1 || b.heads[0].Get("X-API-Key") != "k" || b.heads[0].Get("Content-Type") != "application/json" {
		t.Errorf("%d connections, %v", len(b.from), b.heads[0])
	}
}

func TestRun_FreshMakesAConnectionForEachCall(t *testing.T) {
	b, address := house(t, ok)
	p := plan(t, address, single, 3)
	p.Fresh = true
	if events, err := run(t, p); events != 3 || err != nil || len(b.from) != 3 {
		t.Errorf("%d events over %d connections, %v", events, len(b.from), err)
	}
}

func TestRun_ItemsOfABatchAreEventsAndThoseOfAViewAreParts(t *testing.T) {
	b, address := house(t, ok)
	p := plan(t, address, `{path: /, open: '[', item: '${index}:${sequence}', between: ',', close: ']'}`, 6)
	p.Items, p.Events, p.Targets[0].Series = 3, true, 1
	if events, err := run(t, p); events != 6 || err != nil {
		t.Fatalf("%d events, %v", events, err)
	}
	p = plan(t, address, `{path: /, open: '[', item: '${index}:${sequence}', between: ',', close: ']'}`, 2)
	p.Items = 2
	if events, err := run(t, p); events != 2 || err != nil {
		t.Fatalf("%d events, %v", events, err)
	}
	want := "POST / [0:1000000001,1:1000000002,2:1000000003]\nPOST / [0:1000000004,1:1000000005,2:1000000006]\n" +
		"POST / [0:1,1:1]\nPOST / [0:2,1:2]"
	if got := strings.Join(b.bodies, "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestRun_UnderstandsAllAnswers(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"without body": func(w http.ResponseWriter) { w.WriteHeader(204) },
		"chunked": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "one")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, strings.Repeat("two", 10000))
		},
		"closing":  func(w http.ResponseWriter) { w.Header().Set("Connection", "close"); ok(w) },
		"large":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) },
		"accepted": func(w http.ResponseWriter) { w.WriteHeader(202); ok(w) },
	} {
		b, address := house(t, answer)
		p := plan(t, address, `{path: /, body: x}`, 3)
		if events, err := run(t, p); events != 3 || err != nil || len(b.bodies) != 3 {
			t.Errorf("%s: %d events, %d requests, %v", name, events, len(b.bodies), err)
		}
	}
}

func TestRun_EndsWithWhatTheServerSaid(t *testing.T) {
	for says, answer := range map[string]func(w http.ResponseWriter){
		"answered 503 busy": func(w http.ResponseWriter) {
			w.WriteHeader(503)
			_, _ = io.WriteString(w, "busy")
		},
		`answered 200 {"error":"x"}`: func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"error":"x"}`) },
		"while reading the answer":   func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		_, address := house(t, answer)
		if events, err := run(t, plan(t, address, single, 3)); events != 0 || err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %d events, %v", says, events, err)
		}
	}
}

func TestRead_RefusesWhatIsNoAnswer(t *testing.T) {
	for _, text := range []string{"", "HTTP/2 200\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"} {
		h := &httpTransport{in: bufio.NewReader(strings.NewReader(text))}
		if a, err := h.read(); err == nil {
			t.Errorf("%q is %+v", text, a)
		}
	}
}

func TestRun_TCPSaysHelloAndAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			heard <- err.Error()
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "INFO\r\nPING\r\n")
		var text []byte
		buf := make([]byte, 100)
		for !strings.Contains(string(text), "PONG") || !strings.Contains(string(text), `"2"`) {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			text = append(text, buf[:n]...)
		}
		heard <- string(text)
	}()
	t.Cleanup(func() { listener.Close() })
	p := plan(t, "127.0.0.1:1", `{tcp: true, address: "`+listener.Addr().String()+`", hello: "CONNECT ${port}\r\n",`+
		` answer: [{when: PING, say: "PONG\r\n"}], body: "PUB ${size} ${payload}\r\n"}`, 2)
	made, err := New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	go func() { _ = made.Run(ctx, time.Now().Add(time.Minute)) }()
	text := <-heard
	cancel()
	if !strings.HasPrefix(text, "CONNECT 9\r\n") || !strings.Contains(text, "PUB 3 \"1\"\r\n") ||
		!strings.Contains(text, "PUB 3 \"2\"\r\n") || !strings.Contains(text, "PONG\r\n") {
		t.Errorf("the server heard %q", text)
	}
	made.Close()
	if err := made.transport.call([]byte("x")); err == nil {
		t.Error("a call on a closed connection is no error")
	}
}
