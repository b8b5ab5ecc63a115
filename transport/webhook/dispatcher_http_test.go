package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Over real sockets, with the dispatcher's own transport.
func TestDispatcher_UsesOneConnectionAndFollowsNoRedirect(t *testing.T) {
	var elsewhere, calls, fresh atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verify(t, r.Header, body)
		if calls.Add(1) == 1 {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 10<<10))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			fresh.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, err := New("acme", Config{URL: server.URL, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(20) {
		tell(c, "E", n+1, n+1)
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.Close(context.Background())
	if f := c.Stats(); f.Delivered != 20 || f.Failures != 1 || elsewhere.Load() != 0 || fresh.Load() != 1 {
		t.Errorf("%+v, %d calls elsewhere, %d connections", f, elsewhere.Load(), fresh.Load())
	}
}
