package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

const handshake = "GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n"

// windowed returns a loop with a window that does not run yet, a WebSocket of it behind its handshake, and both ends of
// a publisher.
func windowed(t *testing.T, window time.Duration) (*loop, *bufio.Reader, *connection, net.Conn) {
	t.Helper()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.window = window
	_, socket := accepted(t, l, handshake)
	p, publisher := accepted(t, l, "")
	heard := bufio.NewReader(socket)
	if _, err := http.ReadResponse(heard, nil); err != nil {
		t.Fatal(err)
	}
	return l, heard, p, publisher
}

// offer has the loop take one event of a publisher.
func offer(l *loop, p *connection, body []byte) {
	p.waiting, p.frame = true, appendFrame(p.frame[:0], body)
	l.next = append(l.next, p)
	l.publish()
}

// answers reads so many answers, each of which says that one socket is open.
func answers(t *testing.T, publisher net.Conn, count int) {
	t.Helper()
	in := bufio.NewReader(publisher)
	for n := range count {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d of %d: %v", n, count, err)
		}
		if text, _ := io.ReadAll(r.Body); string(text) != "1" {
			t.Fatalf("answer %d says %q", n, text)
		}
	}
}

func TestWindow_AnswersAtOnceAndWritesItsEventsTogether(t *testing.T) {
	l, heard, p, publisher := windowed(t, time.Hour)
	if l.timeout() != -1 {
		t.Errorf("without a window the loop wakes after %d ms", l.timeout())
	}
	var want []byte
	for n := range 3 {
		body := fmt.Append(nil, "event ", n)
		want = appendFrame(want, body)
		offer(l, p, body)
	}
	answers(t, publisher, 3)
	if hour := int(time.Hour / time.Millisecond); string(l.batch) != string(want) || l.timeout() < hour/2 ||
		l.timeout() > hour {
		t.Fatalf("%q waits for %d ms", l.batch, l.timeout())
	}
	l.until = time.Now()
	l.publish()
	var once [1000]byte
	if n, err := heard.Read(once[:]); string(once[:n]) != string(want) {
		t.Errorf("the first write was %q, %v", once[:n], err)
	}
	if l.timeout() != -1 || len(l.batch) != 0 {
		t.Errorf("%q waits for %d ms", l.batch, l.timeout())
	}
	serve(t, l)
}

func TestWindow_EndsByItself(t *testing.T) {
	l, heard, _, _ := windowed(t, 20*time.Millisecond)
	serve(t, l)
	for n := range 3 { // windows
		began := time.Now()
		if got, err := post(l, http.DefaultClient, fmt.Sprint("event ", n)); got != "200 1" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
		want := appendFrame(nil, fmt.Append(nil, "event ", n))
		frame := make([]byte, len(want))
		if _, err := io.ReadFull(heard, frame); err != nil || string(frame) != string(want) {
			t.Fatalf("heard %q, %v", frame, err)
		}
		if took := time.Since(began); took < l.window {
			t.Errorf("a window of %s took %s", l.window, took)
		}
	}
}

func TestWindow_FullOneEndsEarlyAndHoldsThePublisherWhileSocketsAreFull(t *testing.T) {
	const long = 60_000
	l, heard, p, publisher := windowed(t, time.Hour)
	l.limit = 10 * long
	published := 0
	for ; !p.waiting; published++ {
		offer(l, p, fmt.Appendf(nil, "%0*d", long, published))
	}
	if l.queued > l.limit || len(l.batch) < maxBatch || len(l.batch) > maxBatch+maxBody || l.timeout() != -1 {
		t.Fatalf("%d bytes wait where %d may, %d in the window; timeout %d", l.queued, l.limit, len(l.batch),
			l.timeout())
	}
	serve(t, l)
	frame := make([]byte, 4+long)
	for n := range published - 1 { // the last one may wait for the rest of its window
		if _, err := io.ReadFull(heard, frame); err != nil {
			t.Fatalf("frame %d of %d: %v", n, published, err)
		}
		if want := appendFrame(nil, fmt.Appendf(nil, "%0*d", long, n)); string(frame) != string(want) {
			t.Fatalf("frame %d is %.4q...%q", n, frame, frame[long-10:])
		}
	}
	answers(t, publisher, published)
}

func TestWindow_SocketThatComesMeanwhileHearsTheWholeWindow(t *testing.T) {
	l, _, p, _ := windowed(t, time.Hour)
	offer(l, p, []byte("early"))
	_, late := accepted(t, l, handshake)
	offer(l, p, []byte("late"))
	l.until = time.Now()
	l.publish()
	heard := bufio.NewReader(late)
	if _, err := http.ReadResponse(heard, nil); err != nil {
		t.Fatal(err)
	}
	want := string(appendFrame(appendFrame(nil, []byte("early")), []byte("late")))
	if text, err := heard.Peek(len(want)); string(text) != want {
		t.Errorf("heard %q, %v", text, err)
	}
	serve(t, l)
}
