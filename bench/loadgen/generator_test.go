package loadgen

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// server is a WebSocket server that calls a function of the test for each message.
type server struct {
	gws.BuiltinEventHandler
	onMessage func(conn *gws.Conn, line string)
	mu        sync.Mutex
	all       []*gws.Conn
	// pongs has room for all that a test makes.
	pongs chan string
}

func (s *server) OnMessage(conn *gws.Conn, m *gws.Message) {
	line := m.Data.String()
	_ = m.Close()
	s.onMessage(conn, line)
}

func (s *server) OnOpen(conn *gws.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, conn)
}

func (s *server) OnPong(_ *gws.Conn, payload []byte) { s.pongs <- string(payload) }

// broadcast writes one message to everybody.
func (s *server) broadcast(op gws.Opcode, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.all {
		_ = conn.WriteMessage(op, []byte(text))
	}
}

// serve starts the server; its clients ask for /ws, and any other path is not found.
func serve(t *testing.T, hear func(conn *gws.Conn, line string)) (*server, string) {
	t.Helper()
	s := &server{onMessage: hear, pongs: make(chan string, 10)}
	upgrader := gws.NewUpgrader(s, nil)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			http.NotFound(w, r)
			return
		}
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		go conn.ReadLoop()
	}))
	t.Cleanup(h.Close)
	return s, h.Listener.Addr().String()
}

func plan(address string) Plan {
	return Plan{Address: address, Ready: "welcome", Stamp: `"t":`, Sequence: `"s":`,
		Client: func(n int) ClientPlan {
			return ClientPlan{Path: "/ws", Say: []string{fmt.Sprint("hello ", n), "more"}}
		}}
}

func welcome(conn *gws.Conn, line string) {
	if line == "more" {
		_ = conn.WriteString("welcome")
	}
}

func connect(t *testing.T, p Plan, clients int) *Generator {
	t.Helper()
	s, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Connect(1, clients); err != nil {
		t.Fatal(err)
	}
	return s
}

// wait runs the generator until it has received so many events, or for 10 s.
func wait(t *testing.T, s *Generator, events int64) Stats {
	t.Helper()
	late := time.Now().Add(10 * time.Second)
	if err := s.Run(func() bool { return s.Messages() >= events || time.Now().After(late) }); err != nil {
		t.Fatal(err)
	}
	return s.Stats()
}

func event(sequence int64) string {
	return fmt.Sprintf(`{"t":%d,"s":%d}`, time.Now().Add(-time.Millisecond).UnixNano(), sequence)
}

func TestGenerator_CountsOrdersAndTimesEvents(t *testing.T) {
	s, address := serve(t, welcome)
	clients := connect(t, plan(address), 100)
	if f := clients.Stats(); f.Connected != 100 {
		t.Fatalf("%d connected", f.Connected)
	}
	s.broadcast(gws.OpcodeText, event(1))
	s.broadcast(gws.OpcodeText, "no event")
	s.broadcast(gws.OpcodeBinary, event(2)+"\n"+event(3))
	f := wait(t, clients, 300)
	if f.Messages != 300 || f.Gaps != 0 || f.Closed != 0 {
		t.Errorf("got %+v", f)
	}
	if p50 := f.Latency.ValueAtQuantile(50); p50 < 1000 || p50 > 1_000_000 {
		t.Errorf("the median of latencies is %d us", p50)
	}
	clients.Reset()
	s.broadcast(gws.OpcodeText, event(5))
	s.broadcast(gws.OpcodeText, event(5))
	if f := wait(t, clients, 200); f.Gaps != 200 {
		t.Errorf("a lost and a doubled event made %d gaps at 100 clients", f.Gaps)
	}
}

func TestGenerator_OrderIsThatOfEachPublisher(t *testing.T) {
	s, address := serve(t, welcome)
	p := plan(address)
	p.Series = 2
	clients := connect(t, p, 1)
	for _, sequence := range []int64{1, SeriesStride + 1, SeriesStride + 2, 2, 3} {
		s.broadcast(gws.OpcodeText, event(sequence))
	}
	if f := wait(t, clients, 5); f.Gaps != 0 {
		t.Errorf("%d gaps", f.Gaps)
	}
	s.broadcast(gws.OpcodeText, event(2*SeriesStride+1))
	if f := wait(t, clients, 6); f.Gaps != 1 {
		t.Errorf("a third publisher of two: %d gaps", f.Gaps)
	}
}

func TestGenerator_LatestMayLeaveEventsOutButNotTurnThemRound(t *testing.T) {
	s, address := serve(t, welcome)
	p := plan(address)
	p.Latest, p.Series = true, 2
	clients := connect(t, p, 3)
	for _, sequence := range []int64{1, SeriesStride + 4, 7, SeriesStride + 5} {
		s.broadcast(gws.OpcodeText, event(sequence))
	}
	if f := wait(t, clients, 12); f.Gaps != 0 {
		t.Errorf("%d gaps", f.Gaps)
	}
	if a, b, older := clients.Heard(7), clients.Heard(SeriesStride+5), clients.Heard(SeriesStride+4); a != 3 ||
		b != 3 || older != 0 {
		t.Errorf("the newest were heard by %d and %d, an older one by %d", a, b, older)
	}
	s.broadcast(gws.OpcodeText, event(7))
	s.broadcast(gws.OpcodeText, event(6))
	if f := wait(t, clients, 18); f.Gaps != 6 {
		t.Errorf("a doubled event and an older one made %d gaps at 3 clients", f.Gaps)
	}
}

func TestGenerator_AnEventWithoutSequenceIsAGap(t *testing.T) {
	s, address := serve(t, welcome)
	clients := connect(t, plan(address), 1)
	s.broadcast(gws.OpcodeText, `{"t":1}`)
	if f := wait(t, clients, 1); f.Messages != 1 || f.Gaps != 1 {
		t.Errorf("got %+v", f)
	}
}

func TestGenerator_AnswersWhatThePlanSays(t *testing.T) {
	heard := make(chan string, 10)
	s, address := serve(t, func(conn *gws.Conn, line string) {
		welcome(conn, line)
		if line != "more" && !strings.HasPrefix(line, "hello") {
			heard <- line
		}
	})
	p := plan(address)
	p.Answer = []Answer{{When: "PING", Say: "PONG"}}
	clients := connect(t, p, 1)
	s.broadcast(gws.OpcodeText, "PING\r\n")
	s.broadcast(gws.OpcodeText, event(1)+"\nPING\n")
	s.broadcast(gws.OpcodeText, "a PING inside a line "+event(2))
	wait(t, clients, 2)
	for range 2 {
		if line := <-heard; line != "PONG" {
			t.Errorf("the server heard %q", line)
		}
	}
	if len(heard) > 0 {
		t.Errorf("it also heard %q", <-heard)
	}
}

func TestGenerator_AnswersPings(t *testing.T) {
	s, address := serve(t, welcome)
	clients := connect(t, plan(address), 3)
	s.mu.Lock()
	for _, conn := range s.all {
		if err := errors.Join(conn.WritePing([]byte("x")), conn.WriteString(event(1))); err != nil {
			t.Error(err)
		}
	}
	s.mu.Unlock()
	if f := wait(t, clients, 3); f.Closed != 0 || f.Messages != 3 {
		t.Errorf("got %+v", f)
	}
	for range 3 {
		if payload := <-s.pongs; payload != "x" {
			t.Errorf("a pong has %q", payload)
		}
	}
}

func TestGenerator_TakesFramesLargerThanItsBuffer(t *testing.T) {
	s, address := serve(t, welcome)
	clients := connect(t, plan(address), 2)
	s.broadcast(gws.OpcodeText, strings.Repeat(" ", 1<<20)+event(1))
	if f := wait(t, clients, 2); f.Messages != 2 || f.Gaps != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestGenerator_CountsWhomTheServerCloses(t *testing.T) {
	s, address := serve(t, welcome)
	clients := connect(t, plan(address), 2)
	s.mu.Lock()
	_ = s.all[0].WriteClose(1001, nil)
	s.mu.Unlock()
	s.broadcast(gws.OpcodeText, event(1))
	if f := wait(t, clients, 1); f.Messages != 1 || f.Closed != 1 {
		t.Errorf("got %+v", f)
	}
}

func TestConnect_SaysWhoWasNotLetIn(t *testing.T) {
	_, address := serve(t, func(conn *gws.Conn, line string) { _ = conn.WriteClose(1008, nil) })
	for path, says := range map[string]string{
		"/none": `client 1: the server says "HTTP/1.1 404 Not Found"`,
		"/ws":   `client 1: the server closed before it said "welcome"`,
	} {
		p := plan(address)
		p.Width = 1
		p.Client = func(int) ClientPlan { return ClientPlan{Path: path, Say: []string{"x"}} }
		s, err := New(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(1, 5); err == nil || err.Error() != says {
			t.Errorf("%s: got %v", path, err)
		}
		s.Close()
	}
}

func TestConnect_WithoutReadyTheHandshakeSuffices(t *testing.T) {
	_, address := serve(t, func(*gws.Conn, string) {})
	p := plan(address)
	p.Ready, p.Binary = "", true
	p.Client = func(int) ClientPlan { return ClientPlan{Path: "/ws", Header: []string{"X-Test: 1"}} }
	if f := connect(t, p, 50).Stats(); f.Connected != 50 {
		t.Errorf("%d connected", f.Connected)
	}
}
