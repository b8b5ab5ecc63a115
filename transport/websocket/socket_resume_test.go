package websocket

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// topicDialect is a dialect whose clients send the name of a topic and are subscribed to it, which "ok" answers.
type topicDialect struct{}

func (topicDialect) Name() string            { return "page" }
func (topicDialect) Paths() []string         { return []string{"/page"} }
func (topicDialect) Limits() protocol.Limits { return protocol.Limits{} }
func (topicDialect) Open(protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return protocol.Opened{Session: topicDialect{}, Credential: &protocol.Credential{Token: "ann"}}, nil
}
func (topicDialect) Encode(to protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: to.Event.Data}
}
func (topicDialect) OnOpen(time.Time, uint64) []protocol.Command                    { return nil }
func (topicDialect) OnTick(time.Time) []protocol.Command                            { return nil }
func (topicDialect) OnReject(time.Time, *protocol.Refusal, bool) []protocol.Command { return nil }
func (topicDialect) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	return 1, []protocol.Command{protocol.Subscribe{Topic: string(in.Data)}}
}
func (topicDialect) Answer(protocol.Command, protocol.Outcome) []protocol.Command {
	return []protocol.Command{protocol.Send{Text: []byte("ok")}}
}

// acceptAll lets every client in as the user that the token names.
type acceptAll struct{}

func (acceptAll) Authenticate(_ context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	return &protocol.Identity{User: c.Token, Topics: []protocol.Pattern{"*"}}, nil
}

// reliability.md check 30, over real sockets: one that is reset, one that ends without a close frame, one that closes.
func TestSocket_ClientThatComesBackMissesNothingUnlessItHasClosed(t *testing.T) {
	node := actors.New(actors.Config{Logger: quiet(), Linger: time.Hour},
		acceptAll{}, actors.TenantConfig{Name: "acme"})
	config := DefaultConfig()
	config.Logger = quiet()
	s, err := New(config, node, acceptAll{}, func(*http.Request) string { return "acme" })
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Handler(topicDialect{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer func() {
		server.Close()
		node.Close()
		s.Close()
	}()
	published := 0
	publish := func() string {
		published++
		data := fmt.Appendf(nil, `{"n":%d}`, published)
		ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Publish(context.Background(), "acme", actors.Target{Topic: "room"}, ev); err != nil {
			t.Fatal(err)
		}
		return string(ev.Data)
	}
	connect := func() (*net.TCPConn, *client) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		c := &client{conn, bufio.NewReader(conn)}
		if _, err := io.WriteString(conn, request("/page?client_id=tab-1")); err != nil {
			t.Fatal(err)
		}
		if r, err := http.ReadResponse(c.r, nil); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(r, err)
		}
		return conn.(*net.TCPConn), c
	}
	hear := func(c *client, want string) {
		t.Helper()
		c.SetReadDeadline(time.Now().Add(testTimeout))
		if _, data, err := c.frame(); err != nil || string(data) != want {
			t.Fatalf("heard %q, want %q (%v) %+v", data, want, err, node.Metrics().Missed)
		}
	}
	empty := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := s.Wait(ctx); err != nil {
			t.Fatalf("%d sockets are left: %v", s.Sockets(), err)
		}
	}
	conn, c := connect()
	conn.Write(clientFrame(0x81, []byte("room")))
	hear(c, "ok")
	for name, end := range map[string]func(){
		"reset": func() { conn.SetLinger(0); conn.Close() },
		"ended": func() { conn.Close() },
	} {
		hear(c, publish())
		end()
		empty()
		first, second := publish(), publish()
		conn, c = connect()
		hear(c, first)
		hear(c, second)
		if f := node.Metrics(); f.SuspendedSessions != 0 || len(f.Missed) != 0 {
			t.Errorf("%s: %d linger, missed %v", name, f.SuspendedSessions, f.Missed)
		}
	}
	was := c // the client has vanished, and comes back before the server notices
	conn, c = connect()
	was.SetReadDeadline(time.Now().Add(testTimeout))
	if op, data, err := was.frame(); err != nil || op != 0x88 || len(data) < 2 {
		t.Errorf("the one before heard %d %q, %v", op, data, err)
	}
	hear(c, publish()) // frames written to the one before until then are not known to be lost
	was.Close()
	conn.Write(clientFrame(0x88, []byte{0x03, 0xe9}))
	hear(c, "\x03\xe9")
	conn.Close()
	empty()
	publish()
	conn, c = connect()
	conn.Write(clientFrame(0x81, []byte("room")))
	hear(c, "ok") // and nothing before it
}
