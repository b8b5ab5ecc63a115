package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// serve runs a loop until the test ends.
func serve(t *testing.T, l *loop) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- l.run() }()
	t.Cleanup(func() {
		l.stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func start(t *testing.T) *loop {
	t.Helper()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	return l
}

func open(t *testing.T, l *loop) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+l.address+"/any", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(maxBody)
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func hear(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kind, text, err := c.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		t.Fatalf("got %v, %v", kind, err)
	}
	return string(text)
}

// post publishes and returns the answer's body.
func post(l *loop, client *http.Client, body string) (string, error) {
	r, err := client.Post("http://"+l.address+"/publish", "", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return fmt.Sprint(r.StatusCode, " ", string(text)), err
}

func TestBaseline_EveryLengthArrivesAsItWasPublished(t *testing.T) {
	l := start(t)
	c := open(t, l)
	for _, length := range []int{0, 1, 125, 126, 300, maxBody} {
		body := strings.Repeat("x", length)
		if got, err := post(l, http.DefaultClient, body); got != "200 1" || err != nil {
			t.Fatalf("%d bytes got %q, %v", length, got, err)
		}
		if got := hear(t, c); got != body {
			t.Errorf("%d bytes arrived as %d", length, len(got))
		}
	}
}

func TestBaseline_ManyPublishersReachEverySocketInOneOrder(t *testing.T) {
	const publishers, each, sockets = 4, 200, 20
	l := start(t)
	var crowd []*websocket.Conn
	for range sockets {
		crowd = append(crowd, open(t, l))
	}
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range each {
				got, err := post(l, client, fmt.Sprintf("%d %d", p, i))
				if got != fmt.Sprint("200 ", sockets) || err != nil {
					t.Errorf("a publish got %q, %v", got, err)
					return
				}
			}
		})
	}
	group.Wait()
	var first []string
	for i, c := range crowd {
		var heard []string
		next := map[int]int{}
		for range publishers * each {
			text := hear(t, c)
			var p, n int
			if _, err := fmt.Sscan(text, &p, &n); err != nil || n != next[p] {
				t.Fatalf("socket %d heard %q, it should be number %d", i, text, next[p])
			}
			next[p]++
			heard = append(heard, text)
		}
		if first == nil {
			first = heard
		}
		if strings.Join(heard, ",") != strings.Join(first, ",") {
			t.Errorf("socket %d heard another order than socket 0", i)
		}
	}
}

func TestBaseline_RequestsComeInPiecesAndTogether(t *testing.T) {
	l := start(t)
	c := open(t, l)
	p, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = p.SetDeadline(time.Now().Add(patience))
	answers := bufio.NewReader(p)
	say := func(text string) {
		if _, err := io.WriteString(p, text); err != nil {
			t.Fatal(err)
		}
	}
	answered := func(want string) {
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		if got := fmt.Sprint(r.StatusCode, " ", string(text)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	one := "POST /publish HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n\r\nfirst"
	for _, b := range []byte(one) {
		say(string(b))
	}
	answered("200 1")
	say(one + "GET /health HTTP/1.1\r\n\r\n" + strings.Replace(one, "first", "other", 1) + "GET /no")
	answered("200 1")
	answered("200 ok")
	answered("200 1")
	say("where HTTP/1.1\r\n\r\n")
	answered("404 ")
	for _, want := range []string{"first", "first", "other"} {
		if got := hear(t, c); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

func TestBaseline_RefusesWhatItCannotRead(t *testing.T) {
	l := start(t)
	for text, want := range map[string]int{
		"POST /publish HTTP/1.1\r\nContent-Length: 65536\r\n\r\n":       413,
		"POST /publish HTTP/1.1\r\nContent-Length: -1\r\n\r\n":          400,
		"POST /publish HTTP/1.1\r\nContent-Length: x\r\n\r\n":           400,
		"POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0": 411,
		"POST /publish HTTP/1.0\r\n\r\n":                                400,
		"hello\r\n\r\n":                                                 400,
		"GET /" + strings.Repeat("x", maxHead):                          431,
	} {
		p, err := net.Dial("tcp", l.address)
		if err != nil {
			t.Fatal(err)
		}
		_ = p.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(p, text)
		answers := bufio.NewReader(p)
		r, err := http.ReadResponse(answers, nil)
		if err != nil || r.StatusCode != want {
			t.Errorf("%.40q got %v, %v", text, r, err)
		}
		if _, err := answers.ReadByte(); err == nil {
			t.Errorf("%.40q: the connection stayed open", text)
		}
		p.Close()
	}
}

// accepted dials the loop, which does not run yet, says something and returns both ends.
func accepted(t *testing.T, l *loop, greeting string) (*connection, net.Conn) {
	t.Helper()
	before := slices.Clone(l.byFD)
	c, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, greeting)
	for {
		if _, err := l.poll(); err != nil {
			t.Fatal(err)
		}
		for fd, at := range l.byFD {
			if at != nil && (fd >= len(before) || before[fd] == nil) && at.socket == (greeting != "") {
				return at, c
			}
		}
	}
}

func TestBaseline_FullSocketLosesNothingAndHoldsThePublisher(t *testing.T) {
	const long = 60_000
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.limit = 10 * long
	_, socket := accepted(t, l, "GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n")
	p, publisher := accepted(t, l, "")
	published := 0
	for ; l.now.frame == nil; published++ { // until it has to wait
		p.waiting, p.frame = true, appendFrame(p.frame[:0], fmt.Appendf(nil, "%0*d", long, published))
		l.next = append(l.next, p)
		l.publish()
	}
	if l.queued > l.limit || l.queued < l.limit-2*long || !p.waiting {
		t.Fatalf("%d bytes wait where %d may; the publisher waits: %v", l.queued, l.limit, p.waiting)
	}
	serve(t, l)
	heard := bufio.NewReader(socket)
	if _, err := http.ReadResponse(heard, nil); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 4+long)
	for n := range published {
		if _, err := io.ReadFull(heard, frame); err != nil {
			t.Fatalf("frame %d of %d: %v", n, published, err)
		}
		if want := appendFrame(nil, fmt.Appendf(nil, "%0*d", long, n)); string(frame) != string(want) {
			t.Fatalf("frame %d is %.4q...%q", n, frame, frame[long-10:])
		}
	}
	answers := bufio.NewReader(publisher)
	for n := range published {
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d of %d: %v", n, published, err)
		}
		if text, _ := io.ReadAll(r.Body); string(text) != "1" {
			t.Fatalf("answer %d says %q", n, text)
		}
	}
}

func TestBaseline_SocketThatClosesIsForgottenWhateverWaitsForIt(t *testing.T) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const long = 60_000
	l.limit = 2 * long
	_, dead := accepted(t, l, "GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n")
	p, _ := accepted(t, l, "")
	for l.now.frame == nil {
		p.waiting, p.frame = true, appendFrame(p.frame[:0], make([]byte, long))
		l.next = append(l.next, p)
		l.publish()
	}
	dead.Close()
	for l.now.frame != nil {
		if _, err := l.poll(); err != nil {
			t.Fatal(err)
		}
	}
	_, alive := accepted(t, l, "GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n")
	serve(t, l)
	if got, err := post(l, http.DefaultClient, "still"); got != "200 1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	heard := bufio.NewReader(alive)
	if _, err := http.ReadResponse(heard, nil); err != nil {
		t.Fatal(err)
	}
	if text, err := heard.Peek(7); string(text) != "\x81\x05still" {
		t.Errorf("heard %q, %v", text, err)
	}
}
