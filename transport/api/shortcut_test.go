package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever is sent, the answer is that of net/http, and what is on the shortcut does not come by it.
func TestShortcut_AnswersAsNetHTTPDoes(t *testing.T) {
	for name, c := range roads {
		synctest.Test(t, func(t *testing.T) {
			answer := func(short bool) (string, int32) {
				h := newHouse(t, Config{})
				h.node.connect("c-1", "42")
				r := h.road(short)
				defer r.end()
				r.say(c.says)
				return r.hear(), r.long.Load()
			}
			want, _ := answer(false)
			got, long := answer(true)
			if got != want {
				t.Errorf("%s: the answer is\n%swant\n%s", name, got, want)
			}
			if c.short && long > 0 {
				t.Errorf("%s came by net/http", name)
			}
			buffer := c.says[:min(len(c.says), 4096)] // what net/http has
			if h, ok := readHead([]byte(buffer), []lane{{publishPath, nil}, {"/api/v1/batch", nil}}); ok != c.short {
				t.Errorf("%s: %v %+v", name, ok, h)
			}
		})
	}
}

// A request may come in any pieces; the next one on the connection is not hurt.
func TestShortcut_PiecesMakeNoDifference(t *testing.T) {
	whole := post(publishPath, event, "X-API-Key: k1")
	for cut := 1; cut < len(whole); cut++ {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, Config{})
			r := h.road(true)
			defer r.end()
			r.say(whole[:cut], whole[cut:], whole)
			for i := range 2 {
				if got := r.hear(); !strings.Contains(got, fmt.Sprintf(`{"delivered":0,"id":"made-%d"}`, i+1)) {
					t.Errorf("cut at %d: answer %d is %s", cut, i, got)
				}
			}
			if inBody := cut >= len(whole)-len(event); inBody && r.long.Load() > 0 {
				t.Errorf("cut at %d, in the body: came by net/http", cut)
			}
		})
	}
}

// Requests that do not wait for the answer before are answered in their order, across the border to net/http.
func TestShortcut_RequestsInOneGoAreAnsweredInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		one, stranger := post(publishPath, event, "X-API-Key: k1"), post(publishPath, event, "X-API-Key: nobody")
		r.say(strings.Repeat(one, 50) + stranger + one + "GET /api/v1/stats HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n\r\n" + one)
		for i := range 51 {
			if i == 50 {
				if got := r.hear(); !strings.HasPrefix(got, "401") {
					t.Errorf("the stranger got %s", got)
				}
			}
			if got := r.hear(); !strings.Contains(got, fmt.Sprintf(`"made-%d"`, i+1)) {
				t.Fatalf("answer %d is %s", i, got)
			}
		}
		if got := r.hear(); !strings.Contains(got, "totalConnections") {
			t.Errorf("stats are %s", got)
		}
		if got := r.hear(); !strings.Contains(got, `"made-52"`) {
			t.Errorf("the last is %s", got)
		}
		if r.long.Load() > 3 { // what was cut by the end of the buffer went there earlier
			t.Logf("%d requests came by net/http", r.long.Load())
		}
	})
}

func TestShortcut_ABodyThatNobodyWantedIsReadAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		r.say(post(publishPath, strings.Repeat(" ", 200<<10), "X-API-Key: k1"), post(publishPath, event, "X-API-Key: k1"))
		if got := r.hear(); !strings.HasPrefix(got, "413") {
			t.Error(got)
		}
		if got := r.hear(); !strings.Contains(got, "made-1") || r.long.Load() > 0 {
			t.Error(got)
		}
	})
}

func TestShortcut_ABodyThatStopsArrivingIsRefusedAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{RequestTimeout: 3 * time.Second})
		r := h.road(true)
		defer r.end()
		started := time.Now()
		r.say(strings.TrimSuffix(post(publishPath, event, "X-API-Key: k1"), "}"))
		if got := r.hear(); !strings.HasPrefix(got, "408") || !strings.Contains(got, "within 3s") || time.Since(started) != 3*time.Second {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
		if got := r.hear(); !strings.Contains(got, "EOF") {
			t.Errorf("then came %s", got)
		}
	})
}

func TestShortcut_AStuckNodeIs503AfterTheTimeoutAndTheNextIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{RequestTimeout: 3 * time.Second})
		r := h.road(true)
		defer r.end()
		for range 2 {
			h.node.onPublish = func(ctx context.Context) error {
				if until, ok := ctx.Deadline(); !ok || time.Until(until) != 3*time.Second || ctx.Err() != nil {
					t.Errorf("the context ends at %s: %v", until, ctx.Err())
				}
				<-ctx.Done()
				return ctx.Err()
			}
			started := time.Now()
			r.say(post(publishPath, event, "X-API-Key: k1"))
			if got := r.hear(); !strings.HasPrefix(got, "503") || !strings.Contains(got, "3s") || time.Since(started) != 3*time.Second {
				t.Errorf("after %s: %s", time.Since(started), got)
			}
			h.node.onPublish = nil
			time.Sleep(5 * time.Second)
			r.say(post(publishPath, event, "X-API-Key: k1"))
			if got := r.hear(); !strings.HasPrefix(got, "200") {
				t.Error(got)
			}
		}
	})
}

func TestShortcut_APanicIs500AndTheConnectionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		for _, panics := range []bool{true, false, true} {
			h.node.panics = panics
			r.say(post(publishPath, event, "X-API-Key: k1"))
			if got := r.hear(); strings.HasPrefix(got, "500") != panics {
				t.Error(got)
			}
		}
	})
}

// What a connection may do with its time is what net/http's may, but for the slack.
func TestShortcut_AConnectionThatRestsEndsAfterTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		for _, pause := range []time.Duration{9 * time.Second, 2 * time.Minute, time.Minute, 0} {
			time.Sleep(pause) // longer than the time for a head
			r.say(post(publishPath, event, "X-API-Key: k1"))
			if got := r.hear(); !strings.HasPrefix(got, "200") {
				t.Fatal(got)
			}
		}
		started := time.Now()
		got := r.hear()
		if took := time.Since(started); !strings.Contains(got, "EOF") || took < 2*time.Minute || took > 2*time.Minute+slack {
			t.Errorf("after %s: %s", took, got)
		}
	})
}

// The time that a body had is not the time for the next request.
func TestShortcut_AConnectionWhoseBodyCameLaterMayRestAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		whole := post(publishPath, event, "X-API-Key: k1")
		for range 3 {
			r.say(whole[:len(whole)-len(event)])
			time.Sleep(9 * time.Second)
			r.say(event)
			if got := r.hear(); !strings.HasPrefix(got, "200") || r.long.Load() > 0 {
				t.Fatal(got)
			}
			time.Sleep(119 * time.Second)
		}
	})
}

func TestShortcut_AClientThatDoesNotReadEndsAfterTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		started := time.Now()
		if _, err := io.WriteString(r, post(publishPath, event, "X-API-Key: k1")); err != nil {
			t.Fatal(err)
		}
		_, err := io.WriteString(r, "more")
		if took := time.Since(started); err == nil || took < 30*time.Second || took > 30*time.Second+slack {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// After a publish, net/http has its usual time for a head.
func TestShortcut_NetHTTPBeginsWithItsOwnTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		r.say(post(publishPath, event, "X-API-Key: k1"))
		r.hear()
		time.Sleep(100 * time.Second)
		started := time.Now()
		r.say("GET /api/v1/stats HTTP/1.1\r\n")
		if got := r.hear(); !strings.Contains(got, "EOF") || time.Since(started) != 10*time.Second {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
	})
}

func TestShortcut_ShutdownAnswersWhatIsBeingAnsweredAndClosesTheRest(t *testing.T) {
	for _, busy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, Config{})
			r := h.road(true)
			defer r.end()
			r.say(post(publishPath, event, "X-API-Key: k1"))
			r.hear()
			if busy {
				h.node.onPublish = func(context.Context) error { time.Sleep(2 * time.Second); return nil }
				r.say(post(publishPath, event, "X-API-Key: k1"))
				synctest.Wait()
			}
			started, ended := time.Now(), make(chan error, 1)
			go func() { ended <- r.server.Shutdown(t.Context()) }()
			if busy {
				if got := r.hear(); !strings.HasPrefix(got, "200") {
					t.Error(got)
				}
			}
			if got := r.hear(); !strings.Contains(got, "EOF") {
				t.Errorf("busy %v: then came %s", busy, got)
			}
			if err := <-ended; err != nil || time.Since(started) > 3*time.Second {
				t.Errorf("busy %v: shut down after %s: %v", busy, time.Since(started), err)
			}
		})
	}
}

func TestShortcut_AHijackedConnectionCanBeUnwrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		r := h.road(true)
		defer r.end()
		r.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn = conn.(interface{ NetConn() net.Conn }).NetConn()
			if _, wrapped := conn.(*direct); wrapped {
				t.Error("it is still wrapped")
			}
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			conn.Close()
		})
		r.say("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := r.hear(); !strings.HasPrefix(got, "101") {
			t.Error(got)
		}
	})
}

// Publishes on the shortcut are in the metrics, the log and the rate limit like all others.
func TestShortcut_IsCountedAndLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{Rate: 1, Burst: 2})
		r := h.road(true)
		defer r.end()
		for i := range 3 {
			r.say(post(publishPath, event, "X-API-Key: k1"))
			if got := r.hear(); strings.HasPrefix(got, "429") != (i == 2) || i == 2 && !strings.Contains(got, "Retry-After[1]") {
				t.Error(got)
			}
		}
		if text := h.call("GET", "/metrics", "").body; !strings.Contains(text, `duration_seconds_count{route="POST /api/v1/publish"} 3`) {
			t.Error("the requests are not counted")
		}
		if got := strings.Count(h.log.String(), "route=/api/v1/publish status=200 "); got != 2 {
			t.Errorf("%d lines\n%s", got, h.log)
		}
	})
}
