package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
)

// An event that a dialect says in words of its own is known by its kind.
func TestListen_KnowsTheKindOfWhatEachDialectSays(t *testing.T) {
	known := client.DialectsOf(protocols.All)
	checked := 0
	for _, s := range samples {
		ev := eventOf(t, s)
		for _, d := range dialectsOfReadme {
			frame, speaks := d.dialect.Encode(protocol.Delivery{Event: ev}).Data, known[d.Name]
			if frame == nil || bytes.Equal(frame, ev.Data) || speaks == nil || len(speaks.Kinds) == 0 {
				continue // unchanged JSON says nothing of a kind, and notify has no word for it
			}
			checked++
			if !speaks.Says(frame, string(ev.Kind)) || speaks.Says(frame, "another") {
				t.Errorf("%s says %s as %s, which is known as %q", d.Name, ev.Kind, frame, speaks.TagOf(frame))
			}
		}
	}
	if checked < 9 {
		t.Errorf("%d were checked", checked)
	}
}

func TestListen_FiltersCountsAndEndsWithTheLastWanted(t *testing.T) {
	var out, sum strings.Builder
	ended := 0
	m := &messages{kinds: []string{"alert", "json"}, pattern: regexp.MustCompile("Hot"), out: &out, limit: 2,
		enough: func() { ended++ }, began: time.Now().Add(-time.Second), counts: map[string]*listenCount{}}
	hear := m.printer("valtronics", client.DialectsOf(protocols.All)["valtronics"])
	for _, line := range []string{`{"type":"alert","title":"Cold"}`, `{"type":"auth_response","x":"Hot"}`,
		`{"type":"alert","title":"Hot 1"}`, `{"type":"json","title":"Hot 2"}`, `{"type":"alert","title":"Hot 3"}`} {
		if err := hear([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	want := "{\"type\":\"alert\",\"title\":\"Hot 1\"}\n{\"type\":\"json\",\"title\":\"Hot 2\"}\n"
	if out.String() != want || ended != 1 || m.taken() != 2 {
		t.Errorf("printed %q, ended %d times, %d taken", out.String(), ended, m.taken())
	}
	m.printStats(&sum)
	if !regexp.MustCompile(`^valtronics: messages 2, bytes 63, \d\.\d a second in \S+: alert 1, json 1\n$`).
		MatchString(sum.String()) {
		t.Errorf("summed up as %q", sum.String())
	}
}

// A server that sends ever new tags does not grow what is counted.
func TestListen_CountsABoundedNumberOfTags(t *testing.T) {
	c := listenCount{tags: map[string]int{}}
	for i := range 10 * maxTags {
		c.add(fmt.Sprint(i), 1)
	}
	if len(c.tags) != maxTags+1 || c.tags["other"] != 9*maxTags {
		t.Errorf("%d tags, other %d", len(c.tags), c.tags["other"])
	}
}

func TestListen_TheUserOfATokenIsItsSubject(t *testing.T) {
	token, err := devToken("alice")
	if err != nil {
		t.Fatal(err)
	}
	for shown, want := range map[string]string{token: "alice", "": "", "a.b.c": "", "a.e30.c": "", "dev": ""} {
		if got := subject(shown); got != want {
			t.Errorf("%q is of %q, want %q", shown, got, want)
		}
	}
}

func TestCommands_ListenEndsByCountOrTime(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	l := r.listener("--dialect", "valtronics", "alerts", "--kind", "alert", "--count", "2", "--exec", "wc -l",
		"--stats")
	r.subscribed(1, "alerts")
	r.alerts(3)
	l.contains(t, "valtronics: messages 2, ")
	if n := len(slices.DeleteFunc(l.all(), func(line string) bool { return strings.TrimSpace(line) != "1" })); n != 2 {
		t.Errorf("the command ran %d times: %q", n, l.all())
	}
	l.goodbye(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"0 of 1 messages came within 50ms", []string{"--for", "50ms", "--count", "1", "--kind", "alert"}},
		{"missing closing )", []string{"--grep", "("}},
		{"--user is for dev mode", []string{"--user", "bob", "--token", "x"}},
		{"executable file not found", []string{"--exec", "no-such-program", "--dialect", "valtronics"}},
	} {
		got := parley(t, nil, append([]string{"listen", "--url", r.base}, c.args...)...)
		if got.status != 1 || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%v: %d %q, want %q", c.args, got.status, got.stderr, c.want)
		}
	}
}

// cutter is a TCP proxy whose connections a test cuts.
type cutter struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l}
	var relaying sync.WaitGroup
	relaying.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			c.mu.Lock()
			c.open = append(c.open, near, far)
			c.mu.Unlock()
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				relaying.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					pair[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() { l.Close(); c.cut(); relaying.Wait() })
	return c
}

// cut breaks all connections, without a goodbye.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
	c.open = nil
}

// A listener whose connection breaks is the same client when it comes back, and says what it missed.
func TestCommands_ListenSaysWhatItMissedAfterABreak(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_ENGINE_LINGER=1m"}, "--dev", "--feed=false")
	c := newCutter(t, strings.TrimPrefix(r.base, "http://"))
	cmd := command(t, nil, "listen", "--url", "http://"+c.Addr().String(), "--dialect", "valtronics", "alerts")
	l := speakAs(t, append(cmd.Env, "PARLEY_TOKEN="), cmd.Path, cmd.Args[1:]...)
	r.subscribed(1, "alerts")
	c.cut()
	r.alerts(2)
	l.contains(t, `"alert_id":2`)
	if line := l.contains(t, "connected again after"); !strings.Contains(line, ", missed 0") {
		t.Errorf("it says %q", line)
	}
}
