package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// loop asks again and again, without a pause, on a connection of its own, and counts responses by status.
func (h *testAPI) loop(authorization string, lasting time.Duration) map[int]int {
	client, stop := serve(h.t.(*testing.T), h)
	defer stop()
	read := bufio.NewReader(client)
	answers := map[int]int{}
	for end := time.Now().Add(lasting); time.Now().Before(end); {
		fmt.Fprintf(client, "GET /api/v3/outposts/radius/?page=1&page_size=100 HTTP/1.1\r\n"+
			"Host: x\r\nAuthorization: %s\r\n\r\n", authorization)
		answer, err := http.ReadResponse(read, nil)
		if err != nil {
			h.t.Error(err)
			return answers
		}
		io.Copy(io.Discard, answer.Body)
		if answers[answer.StatusCode]++; answer.StatusCode == http.StatusServiceUnavailable &&
			answer.Header.Get("Retry-After") == "" {
			h.t.Error("503 without Retry-After")
		}
	}
	return answers
}

// F26: an outpost that asks again without a pause, which has neither documents nor an upstream, is answered at most
// twice a second, and so is each of several; the log says it once.
func TestOutposts_WithoutProvidersCannotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		var running sync.WaitGroup
		for range 3 {
			running.Go(func() {
				if got := h.loop("Bearer outpost", 14*time.Second); got[503] < 7 || got[503] > 28 || len(got) != 1 {
					t.Errorf("in 14 s it was answered %v", got)
				}
			})
		}
		running.Wait()
		if n := strings.Count(h.log.String(), "set authentik.upstream"); n != 1 {
			t.Errorf("%d lines in the log: %s", n, h.log)
		}
	})
}

// F26: the same holds while its upstream cannot be reached.
func TestOutposts_WithoutTheirUpstreamCannotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		h.upstreamAt("http://authentik.example/")
		transport := h.upstream.Load().proxy.Transport.(*http.Transport)
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		if got := h.loop("Bearer outpost", 14*time.Second); got[502] < 7 || got[502] > 28 || len(got) != 1 {
			t.Errorf("in 14 s it was answered %v", got)
		}
	})
}

// F26: the number of delayed responses is bounded, and one token cannot take another's place.
func TestDelay_IsBoundedForOneTokenAndForAll(t *testing.T) {
	var h delayedResponses
	count := func(token string) (n int) {
		for h.acquire(token) {
			n++
		}
		return n
	}
	if n := count("a"); n != maxDelayedPerToken {
		t.Errorf("%d responses of one token are delayed", n)
	}
	if !h.acquire("b") {
		t.Error("another one finds no room")
	}
	h.release("b")
	for i := range maxDelayed {
		count(fmt.Sprint(i))
	}
	if h.all != maxDelayed || h.acquire("new") {
		t.Errorf("%d responses are delayed, and one more", h.all)
	}
	for token, n := range h.byToken {
		for range n {
			h.release(token)
		}
	}
	if h.all != 0 || len(h.byToken) != 0 {
		t.Errorf("%d are left, %v", h.all, h.byToken)
	}
}

// F26: a response over the bound is not delayed and closes its connection.
func TestDelay_AResponseOverTheBoundClosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		for h.delayed.acquire("acme/Bearer outpost") {
		}
		before := time.Now()
		a := h.do(shows("GET", "/api/v3/outposts/ldap/", "Bearer outpost"))
		a.refuses(protocol.Busy)
		if a.header.Get("Connection") != "close" || a.header.Get("Retry-After") == "" || !time.Now().Equal(before) {
			t.Errorf("after %s: %v", time.Since(before), a.header)
		}
	})
}
