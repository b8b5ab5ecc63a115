package run

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/bench/publisher"
	"github.com/parley-realtime/parley/bench/target"
)

// The test's own binary is the server: one room, whose publishes are broadcast as RUN_ROLE says.
func TestMain(m *testing.M) {
	if role := os.Getenv("RUN_ROLE"); role != "" {
		serve(&hub{role: role})
		return
	}
	os.Exit(m.Run())
}

type hub struct {
	gws.BuiltinEventHandler
	role  string
	mu    sync.Mutex
	all   []*gws.Conn
	event int
}

func (r *hub) OnMessage(conn *gws.Conn, m *gws.Message) {
	defer m.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, conn)
	_ = conn.WriteString("in")
}

func (r *hub) publish(event []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.event++
	if r.role == "latest" && r.event%3 != 0 {
		return
	}
	for i, conn := range r.all {
		switch {
		case i > 0 || r.event != 30 || r.role == "right" || r.role == "latest" || r.role == "plain":
			_ = conn.WriteMessage(gws.OpcodeText, event)
		case r.role == "twice":
			_ = conn.WriteString(string(event) + string(event))
		case r.role == "closes":
			_ = conn.WriteClose(1008, nil)
		case r.role == "loses":
		}
	}
}

func serve(r *hub) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	upgrader := gws.NewUpgrader(r, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{Enabled: r.role != "plain", Threshold: 1}})
	if file := os.Getenv("RUN_CERTIFICATE"); file != "" {
		pair, err := tls.LoadX509KeyPair(file, os.Getenv("RUN_KEY"))
		if err != nil {
			panic(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair},
			SessionTicketsDisabled: r.role == "forgets"})
	}
	fmt.Println("serving", listener.Addr())
	_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			body, _ := io.ReadAll(q.Body)
			for event := range strings.SplitSeq(string(body), "\n") {
				r.publish([]byte(event))
			}
			return
		}
		if conn, err := upgrader.Upgrade(w, q); err == nil {
			go conn.ReadLoop()
		}
	}))
}

func words(t *testing.T, role string) *target.Target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := target.Decode(fmt.Appendf(nil, `{
  name: x, command: [%q], env: [RUN_ROLE=%s], ready: {line: 'serving (\S+)'},
  client: {path: /, say: [hello], ready: in}, stamp: 't:', sequence: 's:',
  secure: {env: ['RUN_CERTIFICATE=${certificate}', 'RUN_KEY=${key}']}, deflate: true,
  token: {secret: x, claims: '{"sub":"${user}"}'},
  login: {client: {path: '/?${token}', say: [hello], ready: in}, claims: '{"sub":"${user}"}'},
  publish: {
    topic: {path: /, body: 't:${stamp} s:${sequence}'},
    batch: {path: /, open: '', item: 't:${stamp} s:${sequence}', between: "\n", close: ''}
  }
}`, self, role))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func paced() Case {
	return Case{Name: "paced", Clients: 5, Way: Topic, Publishers: 1, Rate: 200, Warm: 50 * time.Millisecond,
		For: 250 * time.Millisecond, Shows: []Figure{Processor}}
}

func TestMeasure_MeasuresWhatAServerDelivers(t *testing.T) {
	for name, change := range map[string]func(c *Case){
		"paced":      func(*Case) {},
		"full speed": func(c *Case) { c.Rate, c.Publishers = 0, 3 },
		"batches":    func(c *Case) { c.Rate, c.Way, c.Items = 0, Batch, 7 },
		"fresh":      func(c *Case) { c.Rate, c.Fresh = 0, true },
		"topics":     func(c *Case) { c.Topics, c.Publishers = 3, 2 },
		"singly":     func(c *Case) { c.Way, c.Items, c.Singly = Batch, 7, map[string]float64{"x": 200} },
		"TLS":        func(c *Case) { c.Rate, c.Secure = 0, true },
		"deflate":    func(c *Case) { c.Deflate, c.Pad = true, 1900 },
	} {
		c := paced()
		change(&c)
		r := Measure(t.Context(), ".", words(t, "right"), &c)
		if r.Failed != "" {
			t.Errorf("%s: %s", name, r.Failed)
			continue
		}
		for _, figure := range []Figure{Processor, Median, Tail, Deliveries, Publishes, Connects, Generator} {
			if r.Figures[figure] <= 0 {
				t.Errorf("%s: %s is %v", name, figure, r.Figures[figure])
			}
		}
		if each := r.Figures[Deliveries] / r.Figures[Publishes]; each < 4.99 || each > 5.01 {
			t.Errorf("%s: %v deliveries for each event of 5 clients", name, each)
		}
		if c.Rate > 0 && (r.Figures[Publishes] < 180 || r.Figures[Publishes] > 220) {
			t.Errorf("%s: a rate of 200 was %v", name, r.Figures[Publishes])
		}
	}
}

func TestMeasure_LatestNeedsTheNewestEventAtEachClient(t *testing.T) {
	c := paced()
	c.Way, c.Items, c.Latest = Batch, 3, true
	r := Measure(t.Context(), ".", words(t, "latest"), &c)
	if each := r.Figures[Deliveries] / r.Figures[Publishes]; r.Failed != "" || each < 1.66 || each > 1.67 ||
		r.Figures[Server] <= 0 {
		t.Errorf("%v deliveries for each event where 1 of 3 is for 5 clients; %s", each, r.Failed)
	}
}

func TestSay_ALineWithTheTopicIsSaidForEachOfThem(t *testing.T) {
	p, err := target.Decode([]byte(`{name: x, command: [x], ready: {tcp: true}, stamp: t, sequence: s,
		client: {path: /, say: [hello, 'join ${topic}', bye]}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := Case{Topics: 3}
	got := strings.Join(c.say(&p.Client, target.Values{Topic: 1}), ",")
	if got != "hello,join topic-1,join topic-2,join topic-3,bye" {
		t.Errorf("got %s", got)
	}
}

func TestMeasure_AFigureOfALosingServerIsNoFigure(t *testing.T) {
	for role, says := range map[string]string{"loses": "of ", "twice": "of ", "closes": "clients were cut off"} {
		c := paced()
		if r := Measure(t.Context(), ".", words(t, role), &c); r.Figures != nil || !strings.Contains(r.Failed, says) {
			t.Errorf("%s: %+v", role, r)
		}
	}
}

func TestMeasure_AServerThatDeclinesIsNoFigure(t *testing.T) {
	connect := Case{Name: "connect", Clients: 600, Warm: time.Millisecond, For: time.Millisecond, Secure: true,
		Resume: true, Shows: []Figure{Connecting}}
	for says, at := range map[string]struct {
		role   string
		change func(c *Case)
	}{
		"the server declines permessage-deflate": {"plain", func(c *Case) { *c = paced(); c.Deflate = true }},
		"0 of 600 clients resumed a session":     {"forgets", func(*Case) {}},
		"":                                       {"right", func(*Case) {}},
	} {
		c := connect
		at.change(&c)
		r := Measure(t.Context(), ".", words(t, at.role), &c)
		if (r.Failed == "") != (says == "") || !strings.Contains(r.Failed, says) ||
			says == "" && r.Figures[Connecting] <= 0 {
			t.Errorf("%s: got %+v", says, r)
		}
	}
}

func TestMeasure_WatchesIdleClients(t *testing.T) {
	c := Case{Name: "idle", Clients: 20, Warm: time.Millisecond, For: 50 * time.Millisecond, Shows: []Figure{Memory}}
	r := Measure(t.Context(), ".", words(t, "right"), &c)
	if r.Failed != "" || r.Figures[Memory] <= 0 || r.Figures[Connects] <= 0 || len(r.Figures) != 6 ||
		r.Figures[Highest] < r.Figures[Pinged] || r.Figures[Pinged] < r.Figures[Memory] {
		t.Errorf("got %+v", r)
	}
}

func TestMeasure_MeasuresDeliveriesWhileOthersLogIn(t *testing.T) {
	c, root := paced(), t.TempDir()
	c.Logins = 40
	r := Measure(t.Context(), root, words(t, "right"), &c)
	for _, figure := range []Figure{Tail, Storm, Delay, Logins} {
		if r.Figures[figure] <= 0 {
			t.Fatalf("%s is missing: %+v", figure, r)
		}
	}
	if ratio := r.Figures[Storm] / r.Figures[Tail]; ratio != r.Figures[Delay] {
		t.Errorf("a ratio of %v is given as %v", ratio, r.Figures[Delay])
	}
	if key, err := os.ReadFile(filepath.Join(root, loginKeyFile)); err != nil || string(key) != target.LoginKey() {
		t.Errorf("the file of the key: %q, %v", key, err)
	}
}

func TestPhase_SaysWhatWentWrong(t *testing.T) {
	c := paced()
	c.Deflate = true
	good := phase{events: 50, took: 250 * time.Millisecond}
	good.seen.Messages, good.seen.Compressed = 250, 250
	if err := errors.Join(good.whole(&c), good.held(&c)); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(f *phase, c *Case){
		"249 of 250 deliveries":               func(f *phase, _ *Case) { f.seen.Messages-- },
		"251 of 250 deliveries":               func(f *phase, _ *Case) { f.seen.Messages++ },
		"1 deliveries were out":               func(f *phase, _ *Case) { f.seen.Gaps++ },
		"1 clients were cut off":              func(f *phase, _ *Case) { f.seen.Closed++ },
		"160.0 events a second":               func(f *phase, _ *Case) { f.events, f.seen.Messages = 40, 200 },
		"nothing was published":               func(f *phase, _ *Case) { f.events, f.seen.Messages = 0, 0 },
		"4 of 5 clients heard":                func(f *phase, c *Case) { c.Latest, f.newest = true, 4 },
		"9 of 250 deliveries were compressed": func(f *phase, c *Case) { c.Deflate, f.seen.Compressed = true, 9 },
	} {
		f, c := good, paced()
		change(&f, &c)
		if err := errors.Join(f.whole(&c), f.held(&c)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
}

func TestExcluded_SaysWhyATargetTakesNoPart(t *testing.T) {
	p := words(t, "right")
	p.Cases = map[string]target.Difference{"special": {Out: "it cannot"}}
	p.Secure, p.Deflate = nil, false
	for want, change := range map[string]func(c *Case){
		"":                                  func(*Case) {},
		"its words have no TLS":             func(c *Case) { c.Secure = true },
		"its words have no compression":     func(c *Case) { c.Deflate = true },
		"it cannot":                         func(c *Case) { c.Name = "special" },
		"its words have no such publish":    func(c *Case) { c.Way = User },
		"its clients show no signed tokens": func(c *Case) { c.Logins, p.Login = 1, nil },
		"only y":                            func(c *Case) { c.Without = map[string]string{"x": "only y", "z": "too"} },
	} {
		c := paced()
		change(&c)
		if got := c.Excluded(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWindow_BoundsEventsAndDeliveries(t *testing.T) {
	for clients, want := range map[int]int64{10: 256, 1000: 256, 9000: 28} {
		if c := (Case{Clients: clients}); c.window() != want {
			t.Errorf("%d clients: %d events under way", clients, c.window())
		}
	}
	c := paced()
	c.Way, c.Items, c.Clients = Batch, 100, 9000
	if err := c.Check(); err == nil {
		t.Error("a batch that is larger than the window would never be published")
	}
}

func TestTargets_AreSharedOutAmongPublishers(t *testing.T) {
	c := Case{Clients: 5, Own: true, Way: Topic, Publishers: 2}
	if a, b := c.targets(0), c.targets(1); len(a) != 3 || len(b) != 2 || a[1].N != 3 || b[1].Topic != 4 ||
		c.series() != 1 || c.fanOut() != 1 {
		t.Errorf("got %v and %v", a, b)
	}
	c.Own = false
	if a := c.targets(1); len(a) != 1 || a[0].Topic != 1 || c.series() != 2 || c.fanOut() != 5 {
		t.Errorf("got %v", a)
	}
	c.Topics = 3
	if a := c.targets(1); len(a) != 3 || a[2] != (publisher.Target{N: 1, Topic: 3, Series: 5}) || c.series() != 6 {
		t.Errorf("got %v", a)
	}
}
