package top

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// sampleAt is what a busy server said so many seconds after noon.
func sampleAt(second uint64) Sample {
	s := Sample{At: noon.Add(time.Duration(second) * time.Second), SweptConnections: true, SweptTopics: true,
		Stats: Stats{Active: 3, Authenticated: 2, Received: 10 * second, Sent: 500 * second, BytesOut: 80000 * second},
		Metrics: &Metrics{Backlog: 12300, Memory: 9e8, MemoryLimit: 1e9, Drops: float64(7 * second),
			Latency: map[float64]float64{0.001: float64(98 * second), 0.002: float64(100 * second),
				math.Inf(1): float64(100 * second)}},
		Topics: []Topic{{"alerts", "E", 3, 2 * second}, {"telemetry/1", "E", 1, 100 * second}},
	}
	for i, user := range []string{"alice", "bob\x1b[2J", "a user whose name is long, longer than any column"} {
		s.Connections = append(s.Connections, Connection{ID: fmt.Sprintf("ws-%d", i+1), User: user, Dialect: "notify",
			Since: noon.Add(-90 * time.Minute), Remote: "198.51.100.4", Out: uint64(i) * 50 * second, Queued: 2500 * i})
	}
	return s
}

// refuse is a server that answers no sample.
func refuse(context.Context) (Sample, error) { return Sample{}, errors.New("not now") }

// screen is a model that has taken two samples, in a window of a size, without colours.
func screen(width, height int) *Model {
	m := New("http://push.example.org", refuse, &terminal.Printer{})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	m.Update(sampled{sample: sampleAt(1)})
	m.Update(sampled{sample: sampleAt(2)})
	return m
}

// press types keys: a name, or letters one by one.
func (m *Model) typed(keys ...string) {
	for _, key := range keys {
		code := map[string]rune{"tab": tea.KeyTab, "esc": tea.KeyEscape, "enter": tea.KeyEnter, "down": tea.KeyDown,
			"up": tea.KeyUp, "backspace": tea.KeyBackspace}[key]
		if code != 0 {
			m.Update(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range key {
			m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func (m *Model) shows(t *testing.T, patterns ...string) {
	t.Helper()
	text := m.View().Content
	for _, pattern := range patterns {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
			t.Errorf("%q is not on the screen:\n%s", pattern, text)
		}
	}
}

func TestTop_ShowsFiguresAndTheBusiestFirst(t *testing.T) {
	m := screen(80, 24)
	m.shows(t, `^parley top  http://push.example.org`, `connections 3  logged in 2  in 10/s 0 B/s  out 500/s 80.0 KB/s`,
		`p99 2ms  queued 12.3 KB  memory 900 MB of 1.0 GB!  drops 7.0/s \(14\)!  missed 0$`, `^out █ max 500$`,
		`^ID +USER +OUT/s +IN/s +QUEUED +DIALECT +AGE`,
		`ws-3 +a user whose n.*… +100 +\. +5.0 KB +notify +1h30m\nws-2 +bob\\x1b\[2J +50`)
	m.typed("tab")
	m.shows(t, `TOPIC +EVENTS/s +SUBSCRIBERS +OFFSET\ntelemetry/1 +100 +1 +200\nalerts +2.0 +3 +4$`)
}

// A window of any size is filled, and no line is wider than it.
func TestTop_FitsIntoAnyWindow(t *testing.T) {
	for _, width := range []int{1, 8, 20, 40, 79, 80, 120, 300} {
		for _, height := range []int{1, 3, 8, 24, 60} {
			for _, shown := range []string{"", "tab", "/"} {
				m := screen(width, height)
				m.typed(shown)
				lines := strings.Split(m.View().Content, "\n")
				if len(lines) != height {
					t.Errorf("%dx%d: %d lines", width, height, len(lines))
				}
				for _, line := range lines {
					if n := utf8.RuneCountInString(line); n > width {
						t.Errorf("%dx%d: %d characters: %q", width, height, n, line)
					}
				}
			}
		}
	}
	screen(33, 24).shows(t, `^ID +USER +OUT/s$`, `^connections 3  logged in 2$`)
}

func TestTop_SortsFiltersAndScrolls(t *testing.T) {
	m := screen(80, 24)
	m.typed("s", "s") // by IN/s, where all are alike, then by what is queued
	m.shows(t, `s sort \(QUEUED\)`, `OUT/s.*\nws-3 `)
	m.typed("/", "BOB!", "backspace", "enter")
	m.shows(t, `/ filter \(BOB\)`, `DIALECT.*\nws-2 .*\n\n`)
	m.typed("esc", "down", "down", "down")
	m.shows(t, `DIALECT.*\nws-3 .*\nws-2 .*\nws-1 `) // all fit, so nothing scrolls
	m = screen(80, 8)
	m.typed("down")
	m.shows(t, `DIALECT.*\nws-2 `)
	m.typed("up")
	m.shows(t, `DIALECT.*\nws-3 `)
	m.typed("/", "q")
	m.shows(t, `^filter: q_`)
	m.typed("esc", "/", strings.Repeat("x", 2*maxFilter))
	if len(m.filter) != maxFilter {
		t.Errorf("the filter has %d bytes", len(m.filter))
	}
}

func TestTop_PausesAndQuits(t *testing.T) {
	m := screen(80, 24)
	m.typed("p")
	m.shows(t, `\(paused\)`)
	synctest.Test(t, func(t *testing.T) {
		if _, next := m.Update(due{}); next() != (due{}) {
			t.Error("it takes samples while it is paused")
		}
	})
	m.typed("p")
	_, next := m.Update(due{})
	said, ok := next().(sampled)
	if !ok || said.err == nil {
		t.Fatalf("a sample was taken as %+v", said)
	}
	m.Update(said)
	m.shows(t, "^not now$", "connections 3") // what was known stays
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}} {
		if _, quit := m.Update(key); quit == nil || quit() != tea.Quit() {
			t.Errorf("%s does not quit", key)
		}
	}
}

// Nothing is said by colour alone, and colours are there where they are wanted.
func TestTop_HasColoursOnlyWhereTheyAreWanted(t *testing.T) {
	m := screen(80, 24)
	if strings.Contains(m.View().Content, "\x1b") {
		t.Error("there are colours")
	}
	m.painter.Coloured = true
	m.shows(t, "\x1b\\[31mdrops 7.0/s \\(14\\)!\x1b\\[0m")
}

// A server that began anew has no rates below nothing, and what is gone is forgotten.
func TestTracker_ForgetsWhatIsGone(t *testing.T) {
	tr := newTracker()
	tr.add(sampleAt(5))
	again := sampleAt(6)
	again.Stats.Sent, again.Connections, again.Topics[1].Epoch = 100, again.Connections[:1], "F"
	f := tr.add(again)
	if f.Out != 100 || len(tr.connections) != 1 || tr.topics["telemetry/1"].is.Rate != 0 {
		t.Errorf("%+v, %d connections, %+v", f, len(tr.connections), tr.topics["telemetry/1"])
	}
	page := sampleAt(7) // the first page of two: the others are not gone
	page.SweptConnections = false
	tr.add(page)
	page = sampleAt(8)
	page.Connections = page.Connections[:1]
	if tr.add(page); len(tr.connections) != 3 {
		t.Errorf("%d connections after a sweep of two pages", len(tr.connections))
	}
}

func TestTracker_IsBounded(t *testing.T) {
	tr := newTracker()
	s := sampleAt(1)
	for i := range mostTracked + 5 {
		s.Connections = append(s.Connections, Connection{ID: fmt.Sprintf("more-%d", i)})
	}
	if tr.add(s); len(tr.connections) != mostTracked {
		t.Errorf("%d connections are tracked", len(tr.connections))
	}
}

func TestMetrics_AreReadFromPrometheusText(t *testing.T) {
	m := parseMetrics([]byte(`# TYPE parley_drops_total counter
parley_drops_total{reason="a b"} 3
parley_drops_total{reason="c"} 4
parley_backlog_bytes 5e+06
parley_missed_total{reason="a"} x
parley_delivery_latency_seconds_bucket{le="0.001"} 90
parley_delivery_latency_seconds_bucket{le="0.01"} 99
parley_delivery_latency_seconds_bucket{le="+Inf"} 100
nonsense
`))
	if m.Drops != 7 || m.Backlog != 5e6 || m.Missed != 0 {
		t.Errorf("%+v", m)
	}
	none := &Metrics{}
	for share, want := range map[float64]float64{0.5: 0.001, 0.99: 0.01, 0.999: math.Inf(1)} {
		if got := m.quantile(none, share); got != want {
			t.Errorf("quantile %g is %g, want %g", share, got, want)
		}
	}
	if got := m.quantile(m, 0.99); !math.IsNaN(got) {
		t.Errorf("of no deliveries: %g", got)
	}
}

// A server with many connections is asked for one page a sample.
func TestSource_TakesOnePageASample(t *testing.T) {
	var asked []string
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked = append(asked, r.URL.RequestURI()); r.URL.Path {
		case "/api/v1/connections":
			next := map[string]string{"": "c1", "c1": ""}[r.URL.Query().Get("cursor")]
			fmt.Fprintf(w, `{"connections":[{"id":"ws-1","out_messages":5}],"cursor":%q}`, next)
		case "/metrics":
			http.NotFound(w, r)
		default:
			fmt.Fprint(w, `{"activeConnections":7,"topics":[],"cursor":""}`)
		}
	}))
	defer front.Close()
	s := NewSource(client.API{Base: front.URL, Key: "k"}, front.URL)
	for i, swept := range []bool{false, true, false} {
		got, err := s.Sample(t.Context())
		if err != nil || got.SweptConnections != swept || got.Stats.Active != 7 || got.Connections[0].Out != 5 ||
			got.Metrics != nil {
			t.Errorf("sample %d: %+v %v", i, got, err)
		}
	}
	if len(asked) != 12 {
		t.Errorf("it asked %q", asked)
	}
	m := New("", s.Sample, &terminal.Printer{})
	m.Update(m.Init()())
	m.shows(t, "the internal address has them")
	front.Close()
	if m.Update(m.Init()()); m.err == nil {
		t.Error("a server that is gone still answers")
	}
}

func TestOnce_ReportsWhatCameAboutInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := uint64(0)
		made, err := Once(t.Context(), func(context.Context) (Sample, error) { second++; return sampleAt(second), nil })
		if err != nil || made.Out != 500 || made.BusiestConnections[0].ID != "ws-3" ||
			made.BusiestTopics[0].Name != "telemetry/1" {
			t.Fatalf("%+v %v", made, err)
		}
		var text, script bytes.Buffer
		err = errors.Join(made.Print(&terminal.Printer{Out: &text}), made.Print(&terminal.Printer{Out: &script,
			Scripted: true}))
		if err != nil || !strings.Contains(text.String(), "\nws-3 ") || !strings.Contains(text.String(), "p99 2ms\n") ||
			!json.Valid(script.Bytes()) {
			t.Errorf("%v\n%s\n%s", err, text.String(), script.String())
		}
		if _, err = Once(t.Context(), refuse); err == nil {
			t.Error("there is a report of no server")
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		if _, err = Once(ended, func(context.Context) (Sample, error) { return sampleAt(1), nil }); err == nil {
			t.Error("it waits on after the end")
		}
	})
}

func TestRows_ShowNumbersInFewLetters(t *testing.T) {
	for got, want := range map[string]string{
		perSecond(0): ".", perSecond(0.25): "0.2", perSecond(1234.5): "1234", size(999): "999 B", size(1500): "1.5 KB",
		size(2.5e8): "250 MB", age(5 * time.Second): "5s", age(125 * time.Second): "2m05s", age(-time.Second): "0s",
		age(26 * time.Hour): "26h00m", age(80 * time.Hour): "3d", milliseconds(0): "-",
		milliseconds(-1):                  "beyond measure",
		sparkline([]float64{0, 4, 8}, 80): "▁▅█ max 8.0", sparkline(nil, 0): " max 0",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
