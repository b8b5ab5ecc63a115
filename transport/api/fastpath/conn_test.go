package fastpath

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A request may come in any pieces; the next one on the connection is not hurt.
func TestFastPath_PiecesMakeNoDifference(t *testing.T) {
	first, next := post(echoPath, "hello"), post(echoPath, "again!")
	for cut := 1; cut < len(first); cut++ {
		synctest.Test(t, func(t *testing.T) {
			s := startFast()
			defer s.end()
			s.send(first[:cut], first[cut:], next)
			for i, length := range []int{5, 6} {
				if got := s.receive(); !strings.Contains(got, fmt.Sprintf("[] [] %d %d ", length, length)) {
					t.Errorf("cut at %d: answer %d is %s", cut, i, got)
				}
			}
			if inBody := cut >= len(first)-len("hello"); inBody && s.slow.Load() > 0 {
				t.Errorf("cut at %d, in the body: net/http served it", cut)
			}
		})
	}
}

// Requests that do not wait for the answer before are answered in their order, across the border to net/http.
func TestFastPath_RequestsInOneGoAreAnsweredInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		var all, want []string
		for i := range 52 {
			path, status := echoPath, "200"
			if i%10 == 5 {
				path, status = ignorePath, "413"
			}
			all = append(all, post(path, strings.Repeat("x", i)))
			want = append(want, status)
		}
		all[51] = strings.Replace(all[51], "POST", "PUT", 1)
		s.send(strings.Join(all, ""))
		for i := range all {
			got := s.receive()
			if !strings.HasPrefix(got, want[i]) ||
				want[i] == "200" && !strings.Contains(got, fmt.Sprintf("[] [] %d %d ", i, i)) {
				t.Fatalf("answer %d is %s", i, got)
			}
		}
		if n := s.slow.Load(); n == 0 {
			t.Errorf("net/http served %d requests", n)
		}
	})
}

func TestFastPath_ABodyThatTheHandlerLeavesIsReadAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		s.send(post(ignorePath, strings.Repeat(" ", 200<<10)), post(echoPath, "hello"))
		if got := s.receive(); !strings.HasPrefix(got, "413") {
			t.Error(got)
		}
		if got := s.receive(); !strings.HasPrefix(got, "200") || s.slow.Load() > 0 {
			t.Error(got)
		}
	})
}

func TestFastPath_ABodyThatStopsArrivingIsGivenUpAtTheHandlersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		started := time.Now()
		s.send(strings.TrimSuffix(post(echoPath, "hello"), "o"))
		if got := s.receive(); !strings.HasPrefix(got, "408") || time.Since(started) != 3*time.Second {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
		if got := s.receive(); !strings.Contains(got, "EOF") {
			t.Errorf("then came %s", got)
		}
	})
}

// A body that neither arrives nor is read ends the connection after the slack, not at the idle timeout.
func TestFastPath_ABodyThatNobodyReadsAndNeverComesEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		started := time.Now()
		s.send(strings.TrimSuffix(post(ignorePath, "hello"), "o"))
		if got := s.receive(); !strings.HasPrefix(got, "413") || time.Since(started) != 0 {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
		if got := s.receive(); !strings.Contains(got, "EOF") || time.Since(started) != timeoutSlack {
			t.Errorf("after %s came %s", time.Since(started), got)
		}
	})
}

// The context of a request ends at its own time, and that of the next one begins anew.
func TestFastPath_ARequestThatTakesTooLongEndsItsContextAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer()
		wait := true
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if until, ok := ctx.Deadline(); !ok || time.Until(until) != 5*time.Second || ctx.Err() != nil {
				t.Errorf("the context ends at %s: %v", until, ctx.Err())
			}
			if wait {
				<-ctx.Done()
			}
			respond(w, http.StatusOK, fmt.Sprint(ctx.Err()))
		})
		s.start(true)
		defer s.end()
		for _, wait = range []bool{true, false, true, true, false} {
			started, want, took := time.Now(), "<nil>", time.Duration(0)
			if wait {
				want, took = "deadline exceeded", 5*time.Second
			}
			s.send(post(echoPath, "hello"))
			if got := s.receive(); !strings.Contains(got, want) || time.Since(started) != took {
				t.Errorf("after %s: %s", time.Since(started), got)
			}
			time.Sleep(7 * time.Second)
		}
	})
}

// The timeouts of a connection are net/http's, but for the slack.
func TestFastPath_AnIdleConnectionEndsAfterTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		for _, pause := range []time.Duration{9 * time.Second, 2 * time.Minute, time.Minute, 0} {
			time.Sleep(pause) // longer than the time for a head
			s.send(post(echoPath, "hello"))
			if got := s.receive(); !strings.HasPrefix(got, "200") {
				t.Fatal(got)
			}
		}
		started := time.Now()
		got := s.receive()
		if took := time.Since(started); !strings.Contains(got, "EOF") || took < 2*time.Minute ||
			took > 2*time.Minute+timeoutSlack {
			t.Errorf("after %s: %s", took, got)
		}
	})
}

// The time that a body had is not the time for the next request.
func TestFastPath_AConnectionWhoseBodyCameLaterMayBeIdleAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		whole := post(echoPath, "hello")
		for range 3 {
			s.send(whole[:len(whole)-5])
			time.Sleep(2 * time.Second)
			s.send("hello")
			if got := s.receive(); !strings.HasPrefix(got, "200") || s.slow.Load() > 0 {
				t.Fatal(got)
			}
			time.Sleep(119 * time.Second)
		}
	})
}

func TestFastPath_AClientThatDoesNotReadEndsAfterTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		started := time.Now()
		if _, err := io.WriteString(s, post(echoPath, "hello")); err != nil {
			t.Fatal(err)
		}
		_, err := io.WriteString(s, "more")
		if took := time.Since(started); err == nil || took < 30*time.Second || took > 30*time.Second+timeoutSlack {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// After a request on the fast path, net/http has its usual time for a head.
func TestFastPath_NetHTTPBeginsWithItsOwnTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		s.send(post(echoPath, "hello"))
		s.receive()
		time.Sleep(100 * time.Second)
		started := time.Now()
		s.send("GET /echo HTTP/1.1\r\n")
		if got := s.receive(); !strings.Contains(got, "EOF") || time.Since(started) != 10*time.Second {
			t.Errorf("after %s: %s", time.Since(started), got)
		}
	})
}

func TestFastPath_ShutdownAnswersWhatIsBeingServedAndClosesTheRest(t *testing.T) {
	for _, busy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestServer()
			var pause time.Duration
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(pause)
				respond(w, http.StatusOK, "done")
			})
			s.start(true)
			defer s.end()
			s.send(post(echoPath, "hello"))
			s.receive()
			if busy {
				pause = 2 * time.Second
				s.send(post(echoPath, "hello"))
				synctest.Wait()
			}
			started, ended := time.Now(), make(chan error, 1)
			go func() { ended <- s.server.Shutdown(t.Context()) }()
			if busy {
				if got := s.receive(); !strings.HasPrefix(got, "200") || !strings.Contains(got, "Connection[close]") {
					t.Error(got)
				}
			}
			if got := s.receive(); !strings.Contains(got, "EOF") {
				t.Errorf("busy %v: then came %s", busy, got)
			}
			if err := <-ended; err != nil || time.Since(started) > 3*time.Second {
				t.Errorf("busy %v: shut down after %s: %v", busy, time.Since(started), err)
			}
		})
	}
}

// While the server drains, an answer closes its connection, and what the client sent behind it is not served.
func TestFastPath_WhileDrainingAnAnswerClosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		s.send(post(echoPath, "hello"))
		if got := s.receive(); strings.Contains(got, "Connection") {
			t.Error(got)
		}
		s.drain.Store(true)
		s.send(post(echoPath, "hello")+post(echoPath, "again"), strings.Repeat("x", 100))
		if got := s.receive(); !strings.HasPrefix(got, "200") || !strings.Contains(got, "Connection[close]") {
			t.Error(got)
		}
		if got := s.receive(); !strings.Contains(got, "EOF") || s.slow.Load() > 0 {
			t.Errorf("then came %s", got)
		}
	})
}

func TestFastPath_AHijackedConnectionCanBeUnwrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer()
		s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn = conn.(interface{ NetConn() net.Conn }).NetConn()
			if _, wrapped := conn.(*fastConn); wrapped {
				t.Error("it is still wrapped")
			}
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			conn.Close()
		})
		s.start(true)
		defer s.end()
		s.send("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := s.receive(); !strings.HasPrefix(got, "101") {
			t.Error(got)
		}
	})
}
