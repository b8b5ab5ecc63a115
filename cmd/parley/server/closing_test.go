package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
)

// caller is a client that keeps its connection open.
type caller struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
}

func call(t *testing.T, address string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// hears reads an answer, and reports whether it says that the connection closes.
func (c *caller) hears(status int) (closes bool) {
	c.t.Helper()
	response, err := http.ReadResponse(c.read, nil)
	if err != nil {
		c.t.Fatal("no answer: ", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		c.t.Fatalf("%d %s %v, want %d", response.StatusCode, body, err, status)
	}
	return response.Close
}

// ends wants nothing more to come, and no reset.
func (c *caller) ends() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.read); err != nil || len(rest) > 0 {
		c.t.Errorf("after an answer that says close came %.200q %v", rest, err)
	}
}

const quick = `{"topic":"room","event":{"kind":"json","data":{}}}`

func publishOf(body string) string {
	return fmt.Sprintf("POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		config.DevAPIKey, len(body), body)
}

// drainingSoon drains a server whose one client takes its time, and returns when it has begun.
func drainingSoon(t *testing.T, s *Server) {
	t.Helper()
	_, status := dial(t, "ws://"+s.Address()+"/api/v2/dashboard/ws", "", nil)
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	ctx, stop := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() { s.Drain(ctx); close(drained) }()
	t.Cleanup(func() { stop(); <-drained })
	for limit := time.Now().Add(20 * time.Second); !s.node.Draining(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it does not drain")
		}
	}
}

// F12: from the drain on each answer says that its connection closes, and it does, on every way and at every address.
func TestDrain_EveryAnswerSaysCloseAndItsConnectionCloses(t *testing.T) {
	cfg := devConfig(t)
	cfg.InternalListen = "127.0.0.1:0"
	cfg.Listeners = []config.Listener{{Address: "127.0.0.1:0", Dialects: []string{"notify"}}}
	s := run(t, cfg)
	get := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\nX-API-Key: " + config.DevAPIKey + "\r\n\r\n"
	}
	post := func(path, body string) string {
		return strings.Replace(publishOf(body), "/api/v1/publish", path, 1)
	}
	ways := []struct {
		name, address, request string
		status                 int
	}{
		{"the fast path", s.Address(), publishOf(quick), 200},
		{"the fast path, refused", s.Address(), publishOf(`{}`), 400},
		{"the fast path, a batch", s.Address(), post("/api/v1/batch", `{"publish":[`+quick+`]}`), 200},
		{"net/http", s.Address(), get("/api/v1/stats"), 200},
		{"net/http, chunks", s.Address(), strings.Replace(publishOf(""), "Content-Length: 0",
			"Transfer-Encoding: chunked", 1) + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(quick), quick), 200},
		{"net/http, nothing there", s.Address(), get("/nowhere"), 404},
		{"net/http, no body", s.Address(), strings.Replace(get("/api/v1/stats"), "GET", "OPTIONS", 1), 204},
		{"no handshake", s.Address(), get("/api/v2/dashboard/ws"), 426},
		{"the internal address", s.Internal(), get("/healthz"), 200},
		{"metrics", s.Internal(), get("/metrics"), 200},
		{"a further listener", s.ListenerAddresses()[0], post("/api/v1/ws/ticket", ""), 401},
	}
	callers := make([]*caller, len(ways))
	for i, way := range ways {
		callers[i] = call(t, way.address)
		for range 2 {
			callers[i].say(way.request)
			if callers[i].hears(way.status) && !strings.HasPrefix(way.name, "no handshake") {
				t.Errorf("%s: it says close, though nothing ends", way.name)
			}
			if strings.HasPrefix(way.name, "no handshake") {
				break
			}
		}
	}
	drainingSoon(t, s)
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			callers[i].t = t
			callers[i].say(way.request)
			if !callers[i].hears(way.status) {
				t.Error("it does not say close")
			}
			callers[i].ends()
		})
	}
}

// F12: what a client sent behind the request whose answer says close is not done, and costs it not that answer.
func TestDrain_RequestsBehindTheLastAnswerAreNotDone(t *testing.T) {
	s := run(t, devConfig(t))
	drainingSoon(t, s)
	stats := "GET /api/v1/stats HTTP/1.1\r\nHost: x\r\nX-API-Key: " + config.DevAPIKey + "\r\n\r\n"
	c := call(t, s.Address())
	c.say(strings.Repeat(publishOf(quick), 200))
	if !c.hears(200) {
		t.Error("it does not say close")
	}
	c.ends()
	other := call(t, s.Address())
	other.say(stats + strings.Repeat(publishOf(quick), 200))
	if !other.hears(200) {
		t.Error("it does not say close")
	}
	_, _ = io.Copy(io.Discard, other.read) // net/http closes without reading what came behind, which may be a reset
	page, err := s.node.History(t.Context(), config.DevTenant, "room", protocol.Position{}, 1000)
	if err != nil || page.Position.Offset != 1 {
		t.Errorf("%d events were published, want 1: %v", page.Position.Offset, err)
	}
}

// publisher publishes, one event after the other, and keeps its connection. It cannot send an event twice.
type publisher struct {
	t      *testing.T
	url    string
	client *http.Client
	kept   int  // publishes that came by a connection that was there
	reused bool // the last one did
}

func newPublisher(t *testing.T, s *Server) *publisher {
	p := &publisher{t: t, url: "http://" + s.Address() + "/api/v1/publish",
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

func (p *publisher) send() error {
	p.t.Helper()
	p.reused = false
	ctx := httptrace.WithClientTrace(p.t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if p.reused = got.Reused; got.Reused {
			p.kept++
		}
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url,
		struct{ io.Reader }{strings.NewReader(quick)})
	if err != nil {
		p.t.Fatal(err)
	}
	request.ContentLength = int64(len(quick))
	request.Header.Set("X-API-Key", config.DevAPIKey)
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != http.StatusOK {
		p.t.Error(response.Status)
	}
	return err
}

func (p *publisher) sends(count int) {
	p.t.Helper()
	for range count {
		if err := p.send(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// F12: a publisher that keeps its connection uses it for one more publish, and none of the later ones meets its end.
func TestDrain_APublisherThatKeepsItsConnectionMeetsNoBrokenOne(t *testing.T) {
	s := run(t, devConfig(t))
	p := newPublisher(t, s)
	p.sends(2)
	drainingSoon(t, s)
	p.sends(50)
	if p.kept != 2 {
		t.Errorf("%d of 52 publishes came by a connection that was there, want the second and the first while draining",
			p.kept)
	}
}

// F12: nor does it when there are no sockets to wait for, up to the end of the server.
func TestDrain_WithoutSocketsLastsUntilPublishersHaveHeardClose(t *testing.T) {
	s := run(t, devConfig(t))
	p := newPublisher(t, s)
	p.sends(2)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Drain(t.Context())
		s.Close(t.Context())
	}()
	for err := error(nil); err == nil; time.Sleep(5 * time.Millisecond) { // between two publishes it may end
		if err = p.send(); err != nil && p.reused {
			t.Error("a publish on a connection that was kept: ", err)
		}
	}
	<-ended
}
