package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// testConn is one connection to a server of the API, with or without the fast path.
type testConn struct {
	net.Conn
	server *http.Server
	slow   *atomic.Int32 // requests that net/http served
	in     *bufio.Reader
	end    func()
}

func (h *testAPI) dial(fast bool) *testConn {
	client, conn := net.Pipe()
	c := &testConn{Conn: client, slow: new(atomic.Int32), in: bufio.NewReader(client)}
	c.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			c.slow.Add(1)
			h.Public().ServeHTTP(w, q)
		})}
	var l net.Listener = &oneConn{conn: conn, closed: make(chan struct{})}
	if fast {
		l = h.FastPath(l, c.server)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.server.Serve(l)
	}()
	c.end = func() {
		client.Close()
		c.server.Close()
		<-done
		time.Sleep(time.Second) // net/http lets some connections linger for half of that
	}
	return c
}

// send writes without waiting for the server, which does not read what follows an early refusal.
func (c *testConn) send(parts ...string) {
	go func() {
		for _, part := range parts {
			io.WriteString(c, part)
		}
	}()
}

// receive reads one response: its status, headers in order but for Date, and body.
func (c *testConn) receive() string {
	a, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(a.Body)
	var lines []string
	for name, values := range a.Header {
		if name == "Date" {
			when, err := http.ParseTime(values[0])
			values = []string{fmt.Sprint(err == nil && time.Since(when).Abs() < 2*time.Second)}
		}
		if name == "X-Request-Id" { // by chance
			body = bytes.Replace(body, []byte(values[0]), []byte("ID"), 1)
			values = []string{"ID"}
		}
		lines = append(lines, fmt.Sprint(name, values))
	}
	sort.Strings(lines)
	return fmt.Sprintln(a.Status, a.Proto, lines, a.ContentLength, a.Close, string(body), err)
}

const event = `{"all":true,"event":{"kind":"json","data":{}}}`

// post is a request as a usual client sends it.
func post(path, body string, headers ...string) string {
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: parley.example:8000", "User-Agent: test/1.0",
		"Content-Type: application/json", fmt.Sprint("Content-Length: ", len(body))}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// fastRequests are publishes and batches, and whether the fast path serves them. Which heads it takes is tested in its
// own package.
var fastRequests = map[string]struct {
	text string
	fast bool
}{
	"publish": {post(publishPath, event, "X-API-Key: k1"), true},
	"bearer": {post(publishPath, event, "Authorization: Bearer k1", "Connection: Keep-Alive",
		"Accept: */*"), true},
	"both keys": {post(publishPath, event, "authorization: bearer k1", "x-api-key:\t k2 "), true},
	"batch":     {post("/api/v1/batch", `{"publish":[`+event+`,5,`+event+`]}`, "X-API-KEY: k1"), true},
	"large batch": {post("/api/v1/batch", `{"publish":[`+strings.Repeat(event+",", 3000)+event+`]}`,
		"X-API-KEY: k1"), true},
	"no key":            {post(publishPath, event), true},
	"wrong key":         {post(publishPath, event, "X-API-Key: k3"), true},
	"no body":           {post(publishPath, "", "X-API-Key: k1"), true},
	"no JSON":           {post(publishPath, "{", "X-API-Key: k1"), true},
	"too large":         {post(publishPath, strings.Repeat(" ", 200<<10), "X-API-Key: k1"), true},
	"too large, no key": {post(publishPath, strings.Repeat(" ", 200<<10)), true},
	"MFA": {post(publishPath, `{"user":"x","event":{"kind":"json","data":{"message":"MFA_REQUIRED"}}}`,
		"X-API-Key: k1"), true},
	"as large as may be": {post(publishPath,
		`{"all":true,"event":{"kind":"json","data":{"x":"`+strings.Repeat("x", 65000)+`"}}}`, "X-API-Key: k1"), true},
	"larger":         {post("/api/v1/batch", strings.Repeat(" ", 256<<10), "X-API-Key: k1"), false},
	"much too large": {post(publishPath, strings.Repeat(" ", 256<<10), "X-API-Key: k1"), false},
	"two keys":       {post(publishPath, event, "X-API-Key: k1", "X-API-Key: k1"), false},
	"empty key":      {post(publishPath, event, "X-API-Key: "), false},
	"chunks": {"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n2e\r\n" + event + "\r\n0\r\n\r\n", false},
	"query":        {post(publishPath+"?key=k1", event), false},
	"escaped":      {post("/api/v1/publis%68", event, "X-API-Key: k1"), false},
	"other call":   {post("/api/v1/revoke", `{"user":"1"}`, "X-API-Key: k1"), false},
	"other method": {"GET /api/v1/publish HTTP/1.1\r\nHost: x\r\n\r\n", false},
}

// Whatever a client sends, the answer is that of net/http, and net/http does not see what is for the fast path.
func TestFastPath_AnswersAsNetHTTPDoes(t *testing.T) {
	for name, c := range fastRequests {
		synctest.Test(t, func(t *testing.T) {
			answer := func(fast bool) (string, int32) {
				h := newTestAPI(t, Config{})
				h.node.connect("c-1", "42")
				conn := h.dial(fast)
				defer conn.end()
				conn.send(c.text)
				return conn.receive(), conn.slow.Load()
			}
			want, _ := answer(false)
			got, slow := answer(true)
			if got != want {
				t.Errorf("%s: the answer is\n%swant\n%s", name, got, want)
			}
			if c.fast != (slow == 0) {
				t.Errorf("%s: net/http served %d requests", name, slow)
			}
		})
	}
}

// Requests that do not wait for the answer before are answered in their order, across the border to net/http.
func TestFastPath_RequestsInOneGoAreAnsweredInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		c := h.dial(true)
		defer c.end()
		one, stranger := post(publishPath, event, "X-API-Key: k1"), post(publishPath, event, "X-API-Key: nobody")
		c.send(strings.Repeat(one, 50) + stranger + one +
			"GET /api/v1/stats HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n\r\n" + one)
		for i := range 51 {
			if i == 50 {
				if got := c.receive(); !strings.HasPrefix(got, "401") {
					t.Errorf("the stranger got %s", got)
				}
			}
			if got := c.receive(); !strings.Contains(got, fmt.Sprintf(`"made-%d"`, i+1)) {
				t.Fatalf("answer %d is %s", i, got)
			}
		}
		if got := c.receive(); !strings.Contains(got, "totalConnections") {
			t.Errorf("stats are %s", got)
		}
		if got := c.receive(); !strings.Contains(got, `"made-52"`) {
			t.Errorf("the last is %s", got)
		}
	})
}

func TestFastPath_ABodyThatIsTooLargeIsReadAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		c := h.dial(true)
		defer c.end()
		c.send(post(publishPath, strings.Repeat(" ", 200<<10), "X-API-Key: k1"),
			post(publishPath, event, "X-API-Key: k1"))
		if got := c.receive(); !strings.HasPrefix(got, "413") {
			t.Error(got)
		}
		if got := c.receive(); !strings.Contains(got, "made-1") || c.slow.Load() > 0 {
			t.Error(got)
		}
	})
}

func TestFastPath_ABodyThatStopsArrivingIsRefusedAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{RequestTimeout: 3 * time.Second})
		c := h.dial(true)
		defer c.end()
		started := time.Now()
		c.send(strings.TrimSuffix(post(publishPath, event, "X-API-Key: k1"), "}"))
		if got := c.receive(); !strings.HasPrefix(got, "408") || !strings.Contains(got, "within 3s") ||
			time.Since(started) != 3*time.Second {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
		if got := c.receive(); !strings.Contains(got, "EOF") {
			t.Errorf("then came %s", got)
		}
	})
}

func TestFastPath_AStuckNodeIs503AfterTheTimeoutAndTheNextIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{RequestTimeout: 3 * time.Second})
		c := h.dial(true)
		defer c.end()
		for range 2 {
			h.node.onPublish = func(ctx context.Context) error {
				if until, ok := ctx.Deadline(); !ok || time.Until(until) != 3*time.Second || ctx.Err() != nil {
					t.Errorf("the context ends at %s: %v", until, ctx.Err())
				}
				<-ctx.Done()
				return ctx.Err()
			}
			started := time.Now()
			c.send(post(publishPath, event, "X-API-Key: k1"))
			if got := c.receive(); !strings.HasPrefix(got, "503") || !strings.Contains(got, "3s") ||
				time.Since(started) != 3*time.Second {
				t.Errorf("after %s: %s", time.Since(started), got)
			}
			h.node.onPublish = nil
			time.Sleep(5 * time.Second)
			c.send(post(publishPath, event, "X-API-Key: k1"))
			if got := c.receive(); !strings.HasPrefix(got, "200") {
				t.Error(got)
			}
		}
	})
}

func TestFastPath_APanicIs500AndTheConnectionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		c := h.dial(true)
		defer c.end()
		for _, panics := range []bool{true, false, true} {
			h.node.panics = panics
			c.send(post(publishPath, event, "X-API-Key: k1"))
			if got := c.receive(); strings.HasPrefix(got, "500") != panics {
				t.Error(got)
			}
		}
	})
}

func TestFastPath_WhileTheNodeDrainsAnAnswerClosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{})
		c := h.dial(true)
		defer c.end()
		h.node.draining = true
		c.send(post(publishPath, event, "X-API-Key: k1"))
		if got := c.receive(); !strings.HasPrefix(got, "200") || !strings.Contains(got, " true {") {
			t.Error(got)
		}
		if got := c.receive(); !strings.Contains(got, "EOF") || c.slow.Load() > 0 {
			t.Errorf("then came %s", got)
		}
	})
}

// Publishes on the fast path are in the metrics, the log and the rate limit like all others.
func TestFastPath_IsCountedAndLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestAPI(t, Config{Rate: 1, Burst: 2})
		c := h.dial(true)
		defer c.end()
		for i := range 3 {
			c.send(post(publishPath, event, "X-API-Key: k1"))
			if got := c.receive(); strings.HasPrefix(got, "429") != (i == 2) ||
				i == 2 && !strings.Contains(got, "Retry-After[1]") {
				t.Error(got)
			}
		}
		text := h.call("GET", "/metrics", "").body
		if !strings.Contains(text, `duration_seconds_count{route="POST /api/v1/publish"} 3`) {
			t.Error("the requests are not counted")
		}
		if got := strings.Count(h.log.String(), "route=/api/v1/publish status=200 "); got != 2 {
			t.Errorf("%d lines\n%s", got, h.log)
		}
	})
}
