package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// eventStream is a client of server-sent events. It reads lines as the standard has it (WHATWG HTML, section 9.2.6).
type eventStream struct {
	status int
	header http.Header
	body   io.ReadCloser
	lines  *bufio.Reader
	lastID string
}

// heardEvent is one event; kind is "comment" for a comment, and "end" for the end of the stream.
type heardEvent struct{ kind, data string }

// events opens a stream of topics. last is the Last-Event-ID, "" for none.
func events(t *testing.T, client *http.Client, base, token, last string, topics ...string) *eventStream {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET",
		base+"/api/v1/events?"+url.Values{"topic": topics}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return &eventStream{response.StatusCode, response.Header, response.Body, bufio.NewReader(response.Body), last}
}

// next blocks until the next event, comment or end.
func (s *eventStream) next() (ev heardEvent) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return heardEvent{kind: "end"}
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n" && ev.kind != "":
			return ev
		case line == "\n":
		case name == "":
			return heardEvent{"comment", value}
		case name == "id":
			s.lastID = value
		case name == "event":
			ev.kind = value
		case name == "data":
			ev.data += value
		}
	}
}

// untilPlaced reads the id that a stream begins with.
func (s *eventStream) untilPlaced(t *testing.T) {
	t.Helper()
	for s.lastID == "" {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			s.lastID = strings.TrimSpace(id)
		}
	}
}

// batches publishes events with the numbers from to to, a batch for each hundred.
func (r *running) batches(topic string, from, to int) {
	r.t.Helper()
	for ; from <= to; from += 100 {
		var items []string
		for n := from; n < from+100 && n <= to; n++ {
			items = append(items, fmt.Sprintf(`{"topic":%q,"event":{"kind":"json","id":"%s-%d","data":{"n":%d}}}`,
				topic, topic, n, n))
		}
		status, body := r.askAs("dev", "POST", "/api/v1/batch", `{"publish":[`+strings.Join(items, ",")+`]}`)
		if status != http.StatusOK || strings.Contains(body, `"error"`) {
			r.t.Fatalf("%d %.300s", status, body)
		}
	}
}

// wantNumbers reads events with the numbers from to to, in order and once.
func (s *eventStream) wantNumbers(t *testing.T, from, to int) {
	t.Helper()
	for n := from; n <= to; {
		ev := s.next()
		if ev.kind == "comment" {
			continue
		}
		if want := fmt.Sprintf(`{"n":%d}`, n); ev.kind != "json" || ev.data != want {
			t.Errorf("heard %+v, want %s", ev, want)
			return
		}
		n++
	}
}

func TestEvents_AllReadersHearAllInOrderAndOnce(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_EVENTS_PER_USER=0", "PARLEY_ENGINE_HISTORY_COUNT=2000"},
		"--dev", "--feed=false")
	token := devTokenFor(t, "ann")
	client := &http.Client{Transport: &http.Transport{}}
	var reading sync.WaitGroup
	for i := range 200 {
		s := events(t, client, r.base, token, "", "room")
		s.untilPlaced(t)
		reading.Go(func() {
			s.wantNumbers(t, 1, 500)
			if i%10 > 0 {
				return
			}
			s.body.Close() // the rest in two streams
			again := events(t, client, r.base, token, s.lastID, "room")
			again.wantNumbers(t, 501, 700)
			again.body.Close()
			events(t, client, r.base, token, again.lastID, "room").wantNumbers(t, 701, 1000)
		})
	}
	r.batches("room", 1, 1000)
	reading.Wait()
}

// A stream of several topics goes on in each of them, and one with a position that nobody knows hears so.
func TestEvents_SeveralTopicsGoOnEachFromItsPlace(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	token := devTokenFor(t, "ann")
	s := events(t, http.DefaultClient, r.base, token, "", "a", "b")
	s.untilPlaced(t)
	for strings.Contains(s.lastID, "-") { // not yet in both
		s.lastID = ""
		s.untilPlaced(t)
	}
	r.batches("a", 1, 2)
	s.wantNumbers(t, 1, 2)
	s.body.Close()
	r.batches("b/below", 1, 3)
	r.batches("a", 3, 4)
	s = events(t, http.DefaultClient, r.base, token, s.lastID, "a", "b")
	s.wantNumbers(t, 3, 4)
	s.wantNumbers(t, 1, 3)
	s.body.Close()
	s = events(t, http.DefaultClient, r.base, token, "NOBODY:7,NOBODY:8", "a", "b")
	for _, topic := range []string{"a", "b"} {
		if ev := s.next(); ev != (heardEvent{"position_lost", `{"topic":"` + topic + `"}`}) {
			t.Errorf("heard %+v", ev)
		}
	}
	r.batches("a", 5, 5)
	s.wantNumbers(t, 5, 5)
}

// A reader of a durable topic goes on when the server was killed.
func TestEvents_ResumeOverAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := serveDurable(t, dir)
	token := devTokenFor(t, "ann")
	s := events(t, http.DefaultClient, r.base, token, "", "orders/1")
	s.untilPlaced(t)
	r.batches("orders/1", 1, 50)
	s.wantNumbers(t, 1, 20)
	reached := s.lastID
	r.signal(syscall.SIGKILL)
	<-r.ended
	r = serveDurable(t, dir)
	s = events(t, http.DefaultClient, r.base, token, reached, "orders/1")
	s.wantNumbers(t, 21, 50)
	r.batches("orders/1", 51, 60)
	s.wantNumbers(t, 51, 60)
}

// What is refused is refused by a status, and in words; the end of a stream says why.
func TestEvents_RefusalsAndEndsSayWhy(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	token := devTokenFor(t, "ann")
	narrow := strings.TrimSpace(parley(t, nil, "token", "--user", "ann", "--topics", "a").stdout)
	for _, c := range []struct {
		token, topic, want string
		status             int
	}{
		{"what", "a", "invalid_token", 401}, {token, "a/*", "malformed", 400}, {narrow, "b", "forbidden", 403},
		{narrow, "a", "", 200},
	} {
		s := events(t, http.DefaultClient, r.base, c.token, "", c.topic)
		if s.status == http.StatusOK {
			s.body.Close()
		} else if said, err := io.ReadAll(s.body); err != nil ||
			!strings.Contains(string(said), `"code":"`+c.want+`"`) {
			t.Errorf("%s: %s %v", c.topic, said, err)
		}
		if s.status != c.status {
			t.Errorf("%s: %d, want %d", c.topic, s.status, c.status)
		}
	}
	var tabs []*eventStream
	for late := r.patient(); len(tabs) < 6; late() { // the one that was closed may still count
		if s := events(t, http.DefaultClient, r.base, token, "", "room"); s.status == http.StatusOK {
			s.untilPlaced(t)
			tabs = append(tabs, s)
		}
	}
	seventh := events(t, http.DefaultClient, r.base, token, "", "room")
	if said, _ := io.ReadAll(seventh.body); seventh.status != http.StatusTooManyRequests ||
		seventh.header.Get("Retry-After") == "" || !strings.Contains(string(said), "too_many") {
		t.Errorf("the seventh: %d %v %s", seventh.status, seventh.header, said)
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8",
		"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"} {
		if got := tabs[0].header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	r.askAs("dev", "POST", "/api/v1/users/ann/disconnect", `{}`)
	if ev := tabs[0].next(); ev != (heardEvent{"comment", "disconnected"}) || tabs[0].next().kind != "end" {
		t.Errorf("who is disconnected hears %+v", ev)
	}
	last := events(t, http.DefaultClient, r.base, token, "", "room")
	last.untilPlaced(t)
	r.signal(syscall.SIGTERM)
	if ev := last.next(); ev.kind != "comment" || !strings.Contains(ev.data, "draining") || last.next().kind != "end" {
		t.Errorf("the drain says %+v", ev)
	}
}

// A page of an allowed origin may read a stream, through a proxy that would buffer what it can.
func TestEvents_AreReadThroughEachDocumentedProxy(t *testing.T) {
	for file := range proxyPrograms {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			p := behind(t, file, nil)
			config := tenantFile(t, firstKey, firstAPIKey)
			token := strings.TrimSpace(parley(t, nil, "token", "--user", "alice", "--config", config).stdout)
			s := events(t, p.client("127.0.0.1"), "https://"+publicName, token, "", "alerts")
			s.untilPlaced(t)
			p.publishes(http.StatusOK)
			if ev := s.next(); ev.kind != "alert" {
				t.Errorf("heard %+v, want an alert", ev)
			}
		})
	}
}
