package load

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/protocol"
)

// hub sends what is published to all its sockets, as a test wants it.
type hub struct {
	mu      sync.Mutex
	sockets []*websocket.Conn
	deaf    bool          // sends nothing
	loses   int           // every so many-th event; 0 is none
	stall   time.Duration // of the first event that counts
	stalled atomic.Bool
	events  int
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ws" {
		h.socket(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	warm := strings.Contains(string(body), "-0-")
	if !warm && h.stall > 0 && h.stalled.CompareAndSwap(false, true) {
		time.Sleep(h.stall) // what is measured
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !warm {
		h.events++
	}
	if h.deaf || !warm && h.loses > 0 && h.events%h.loses == 0 {
		return
	}
	for _, s := range h.sockets {
		_ = s.Write(r.Context(), websocket.MessageText, body)
	}
}

func (h *hub) socket(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("token") == "client-13" {
		http.Error(w, "", http.StatusForbidden)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	h.mu.Lock()
	h.sockets = append(h.sockets, conn)
	h.mu.Unlock()
	_, _, _ = conn.Read(r.Context()) // its close frame
}

// plan is a run of a moment against a hub.
func plan(t *testing.T, h *hub, clients int, rate float64) Plan {
	t.Helper()
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	speaks := &protocol.Client{Open: protocol.OpenAt("/ws"), Subscribe: protocol.NoTopics}
	return Plan{API: client.API{Base: front.URL}, Dialect: "plain", Speaks: speaks, Clients: clients, Rate: rate,
		For: 200 * time.Millisecond, Token: func(int) (string, error) { return "", nil },
		Publish: client.PublishRequest{All: true, Event: Message(160)}}
}

func TestRun_CountsEveryDeliveryOfEveryClient(t *testing.T) {
	p := plan(t, &hub{}, 7, 200)
	got, err := Run(t.Context(), p)
	if err != nil || got.Published != 40 || got.Deliveries.Count != 280 || got.Missing != 0 || got.Failed != 0 ||
		got.Connects.Count != 7 || got.Publishes.Count != 40 || got.Late.Count != 40 || got.Bytes < 280*160 {
		t.Errorf("%+v %v", got, err)
	}
	if d := got.Deliveries; d.P50 <= 0 || d.P50 > d.P90 || d.P90 > d.P99 || d.P99 > d.P999 || d.P999 > d.Max {
		t.Errorf("%+v", d)
	}
}

// A stall of the server is in the latency of all events that were to be published meanwhile, not of one alone.
func TestRun_CountsFromWhenAnEventWasToBePublished(t *testing.T) {
	h := &hub{stall: 600 * time.Millisecond}
	p := plan(t, h, 1, 1000)
	var once sync.Mutex // one publish at a time, as a server with one line
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			once.Lock()
			defer once.Unlock()
		}
		h.ServeHTTP(w, r)
	}))
	defer front.Close()
	p.API.Base = front.URL
	got, err := Run(t.Context(), p)
	if err != nil || got.Published != 200 {
		t.Fatalf("%+v %v", got, err)
	}
	if got.Publishes.P50 < 300 || got.Deliveries.P50 < 300 {
		t.Errorf("half of all were to be published during the stall: %+v", got)
	}
}

func TestRun_SaysHowManyDeliveriesDidNotCome(t *testing.T) {
	p := plan(t, &hub{loses: 10}, 2, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, err := Run(ctx, p)
	if err != nil || got.Missing != 4 || got.Deliveries.Count != 36 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestRun_FailsWhereAClientCannotConnectOrHears(t *testing.T) {
	p := plan(t, &hub{}, 3, 100)
	p.Token = func(i int) (string, error) { return "", errors.New("no token") }
	if _, err := Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("without tokens: %v", err)
	}
	p = plan(t, &hub{deaf: true}, 1, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := Run(ctx, p); err == nil || !strings.Contains(err.Error(), "0 of 1 clients have heard") {
		t.Errorf("where nothing is heard: %v", err)
	}
	p = plan(t, &hub{}, 2, 100)
	p.API.Base = "http://127.0.0.1:1"
	if _, err := Run(t.Context(), p); err == nil {
		t.Error("nobody there")
	}
}

func TestRun_TellsOfItsProgress(t *testing.T) {
	p := plan(t, &hub{}, 2, 50)
	p.For = 600 * time.Millisecond
	var told []Progress
	p.Progress = func(now Progress) { told = append(told, now) }
	if _, err := Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 || told[0].Connected != 2 || told[len(told)-1].Done > 1 {
		t.Errorf("%+v", told)
	}
}

func TestPlan_IsChecked(t *testing.T) {
	good := Plan{Clients: 1, Rate: 1, For: time.Second, Publish: client.PublishRequest{Event: Message(10)}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]func(*Plan){
		"no clients": func(p *Plan) { p.Clients = 0 }, "too many": func(p *Plan) { p.Clients = MaxClients + 1 },
		"no rate": func(p *Plan) { p.Rate = 0 }, "too fast": func(p *Plan) { p.Rate = MaxRate + 1 },
		"no time": func(p *Plan) { p.For = 0 },
		"no mark": func(p *Plan) { p.Publish.Event.Data = json.RawMessage(`{}`) },
		"no JSON": func(p *Plan) { p.Publish.Event.Data = json.RawMessage(Mark) },
	} {
		p := good
		if wrong(&p); p.Check() == nil {
			t.Errorf("%s is well", name)
		}
	}
}

func TestMarks_AreFoundInAnyFrame(t *testing.T) {
	m, other := newMarks(), newMarks()
	for frame, want := range map[string]int{`{"x":"` + m.of(7) + `xx"}`: 7, m.of(warmUp): 0, m.of(123456): 123456} {
		if got, ok := m.find([]byte(frame)); got != want || !ok {
			t.Errorf("%q says %d, %v", frame, got, ok)
		}
		if _, ok := other.find([]byte(frame)); ok {
			t.Errorf("%q is of another run", frame)
		}
	}
	for _, frame := range []string{"", m.begin, m.begin + "1", m.begin + "x-",
		m.begin + strings.Repeat("9", 20) + "-"} {
		if _, ok := m.find([]byte(frame)); ok {
			t.Errorf("%q says something", frame)
		}
	}
}

func TestRecorder_CountsWhatIsOutOfRangeAtItsEnds(t *testing.T) {
	r := newRecorder()
	for i, d := range []time.Duration{0, time.Millisecond, time.Hour} {
		r.add(i, d)
	}
	if got := r.latencies(); got.Count != 3 || got.P50 != 1 || got.Max < 59000 {
		t.Errorf("%+v", got)
	}
}
