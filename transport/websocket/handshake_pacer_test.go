package websocket

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

func TestPacer_WritersGoFirstButNotForever(t *testing.T) {
	for busy, want := range map[int]time.Duration{0: 0, 3: 3 * writingPause, 1000: writingPauses * writingPause} {
		synctest.Test(t, func(t *testing.T) {
			looks := 0
			p := handshakePacer{fairqueue.New(1, 1, time.Second), func() bool { looks++; return looks <= busy }}
			began := time.Now()
			done, err := p.begin(t.Context(), "acme")
			if waited := time.Since(began); err != nil || waited != want {
				t.Errorf("writers are at work for %d looks: waited %s, want %s (%v)", busy, waited, want, err)
			}
			done()
		})
	}
}

func TestPacer_AnUpgradeThatBlocksHoldsUpTheNextForAShortTimeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := handshakePacer{fairqueue.New(1, 1, time.Second), func() bool { return false }}
		for _, takes := range []time.Duration{0, time.Hour} {
			done, err := p.begin(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			go func() {
				time.Sleep(takes)
				done()
			}()
			next, err := p.begin(t.Context(), "other")
			if waited := time.Since(began); err != nil || waited != min(takes, longestTurn) {
				t.Errorf("behind one that takes %s: waited %s (%v)", takes, waited, err)
			}
			next()
		}
		time.Sleep(2 * time.Hour) // a turn that was given up is not given up again
		if _, err := p.begin(t.Context(), "acme"); err != nil {
			t.Error(err)
		}
		if _, err := p.begin(t.Context(), "acme"); err != nil { // after longestTurn
			t.Error(err)
		}
		if s := p.turns.Stats(); s.Waited != longestTurn*2 {
			t.Errorf("there is more than one turn: %+v", s)
		}
		time.Sleep(longestTurn)
	})
}

func TestPacer_WritersThatHaveNothingToDoHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(DefaultConfig(), nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		synctest.Wait()
		if s.writing() {
			t.Error("idle writers are said to be at work")
		}
		q := s.queues[0]
		q.mu.Lock()
		q.idleWriters--
		if q.mu.Unlock(); !s.writing() {
			t.Error("a writer at work is said to be idle")
		}
		q.mu.Lock()
		q.idleWriters++
		q.mu.Unlock()
	})
}

func TestHandshake_WhereTooManyConnectAtOnceOneGets503AndComesBack(t *testing.T) {
	h := newTestServerWith(t, actors.Config{}, nil)
	h.server.pacer.turns = fairqueue.New(1, 0, testTimeout)
	if !h.server.pacer.turns.Acquire(t.Context(), "acme") {
		t.Fatal("no slot")
	}
	refused, _ := h.ask(t, request("/debug/echo"))
	if refused.StatusCode != 503 || refused.Header.Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", refused.StatusCode, refused.Header.Get("Retry-After"))
	}
	h.server.pacer.turns.Release()
	if again, _ := h.ask(t, request("/debug/echo")); again.StatusCode != 101 {
		t.Errorf("status %d when there is room again", again.StatusCode)
	}
}

// slowCheck is an Authenticator that comes to no verdict before it is told to.
type slowCheck struct {
	begun   chan struct{}
	verdict chan struct{}
}

func (c slowCheck) Authenticate(
	ctx context.Context, _ string, _ protocol.Credential,
) (*protocol.Identity, error) {
	c.begun <- struct{}{}
	select {
	case <-c.verdict:
		return &protocol.Identity{User: "u"}, nil
	case <-ctx.Done():
		return nil, protocol.Refuse(protocol.Busy, "")
	}
}

func TestHandshake_DeliveriesAndOtherHandshakesGoOnWhileLoginsWaitForTheirCheck(t *testing.T) {
	h := newTestServerWith(t, actors.Config{}, nil)
	check := slowCheck{make(chan struct{}), make(chan struct{})}
	h.server.auth = check
	_, before := h.ask(t, request("/debug/echo"))
	const logins = 50 // many more than slots
	var all sync.WaitGroup
	for range logins {
		all.Go(func() {
			conn, err := net.Dial("tcp", h.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, request("/cookie/1", "Cookie: good"))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || response.StatusCode != 101 {
				t.Errorf("a login that waited: %v, %v", response, err)
			}
		})
	}
	for range logins {
		<-check.begun
	}
	mustEcho(t, before)
	response, during := h.ask(t, request("/debug/echo"))
	if response.StatusCode != 101 {
		t.Fatalf("status %d", response.StatusCode)
	}
	mustEcho(t, during)
	close(check.verdict)
	all.Wait()
}
