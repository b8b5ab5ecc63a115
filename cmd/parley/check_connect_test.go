package main

import (
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

	"github.com/parley-realtime/parley/transport/auth"
)

// reliability.md check 7: a client that never finishes its handshake keeps nobody out, and is closed within 10 s. That
// takes real time, so only the full size waits for it.
func TestHostile_SlowHandshakesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	size := scale(150, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	held := make(chan time.Duration, size)
	var slow sync.WaitGroup
	defer slow.Wait()
	defer cancel()
	for i := range size {
		conn, err := net.DialTimeout("tcp", r.host(), patience)
		if err != nil {
			t.Fatal(err)
		}
		slow.Go(func() { dawdle(ctx, conn, i%3, held) })
	}
	began := time.Now()
	r.dial("/ws").CloseNow()
	within(t, fmt.Sprintf("a good client getting in beside %d unfinished handshakes", size), time.Since(began),
		time.Second)
	if !full() {
		return
	}
	longest := time.Duration(0)
	for range size {
		longest = max(longest, <-held)
	}
	t.Logf("all %d were closed, the last after %s", size, longest)
	if longest > 10*time.Second {
		t.Errorf("the last was closed after %s", longest)
	}
}

// dawdle says nothing, half a request, or a byte a second, and tells how long it was let.
func dawdle(ctx context.Context, conn net.Conn, how int, held chan<- time.Duration) {
	began := time.Now()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	request := "GET /ws HTTP/1.1\r\nHost: parley.test\r\nConnection: Upgrade\r\nX-Long: " + strings.Repeat("x", 100)
	switch how {
	case 1:
		_, _ = io.WriteString(conn, request)
	case 2:
		go func() {
			second := time.NewTicker(time.Second)
			defer second.Stop()
			for i := range len(request) {
				if _, err := conn.Write([]byte{request[i]}); err != nil {
					return
				}
				<-second.C
			}
		}()
	}
	_, _ = io.Copy(io.Discard, conn)
	conn.Close()
	held <- time.Since(began)
}

// reliability.md check 8: enormous headers are refused, on sockets' and backends' paths, and not kept.
func TestHostile_EnormousHeadersAreRefusedAndNotKept(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	before, measured := r.resident()
	var knocking sync.WaitGroup
	for name, header := range map[string]string{
		"8 MiB":        "X-Large: " + strings.Repeat("x", 8<<20) + "\r\n",
		"10,000 lines": strings.Repeat("X-Many: one of very many lines\r\n", 10_000),
		"10,000 names": manyNames(10_000),
		"8 MiB cookie": "Cookie: " + strings.Repeat("a=b; ", 8<<20/5) + "\r\n",
		"8 MiB of URL": "",
	} {
		for _, path := range []string{"/ws", "/api/v2/dashboard/ws", "/api/v1/stats"} {
			if header == "" {
				path += "?" + strings.Repeat("q", 8<<20)
			}
			knocking.Go(func() {
				_, status, err := r.knock("GET " + path + " HTTP/1.1\r\nHost: " + r.host() +
					"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + header + "\r\n")
				if err != nil || status != 0 && (status < 400 || status > 499) {
					t.Errorf("%s on %.30s: %d %v", name, path, status, err)
				}
			})
		}
	}
	knocking.Wait()
	after, _ := r.resident()
	if t.Logf("resident memory rose by %d KiB", (after-before)>>10); measured && after-before >= 50<<20 {
		t.Errorf("memory rose by %d KiB", (after-before)>>10)
	}
	r.alive()
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-Name-%d: x\r\n", i)
	}
	return b.String()
}

// reliability.md check 10: a client that connects and does not log in hears so and is closed in time, and keeps nobody
// from logging in meanwhile. At full size the time is the default one. On a path that Valtronics shares with AirLay,
// which knows no such time, it begins with the first message that is Valtronics'.
func TestLogin_AClientThatNeverLogsInIsClosedAndKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	timeout := time.Duration(scale(2, 14)) * time.Second // 14 s are the default
	environ := []string{"PARLEY_INTERNAL_LISTEN="}
	if !full() {
		environ = append(environ, "PARLEY_VALTRONICS_LOGIN_TIMEOUT="+timeout.String())
	}
	r := serve(t, environ, "--dev", "--feed=false")
	size, token := scale(60, 5000), devTokens(t)(auth.Grant{User: "alice"})
	type end struct {
		said string
		code websocket.StatusCode
		took time.Duration
	}
	ends := make(chan end, size)
	for i := range size {
		conn := r.dial([]string{"/ws/telemetry", "/ws/alerts", "/ws"}[i%3])
		began := time.Now()
		if i%3 == 2 {
			say(t, conn, `{"type":"ping"}`)
			if answer, err := next(t, conn); err != nil || !strings.Contains(answer, "pong") {
				t.Fatalf("%s %v", answer, err)
			}
		}
		go func() {
			_, said, _ := conn.Read(t.Context())
			_, _, err := conn.Read(t.Context())
			ends <- end{string(said), websocket.CloseStatus(err), time.Since(began)}
		}()
		if i%(size/20) == 0 {
			r.logsIn(token)
		}
	}
	first, last := time.Hour, time.Duration(0)
	for range size {
		e := <-ends
		if !strings.Contains(e.said, `"success":false`) || e.code != websocket.StatusPolicyViolation {
			t.Errorf("the end is %s, %d", e.said, e.code)
		}
		first, last = min(first, e.took), max(last, e.took)
	}
	t.Logf("%d were closed between %s and %s", size, first, last)
	if first < timeout-timeout/4 {
		t.Errorf("the first was closed after %s; the time to log in is %s", first, timeout)
	}
	within(t, "closing the last", last, timeout+time.Second)
}

// logsIn wants a good client to get in, within a second.
func (r *running) logsIn(token string) {
	r.t.Helper()
	began := time.Now()
	conn := r.dial("/ws")
	defer conn.CloseNow()
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	if answer, err := next(r.t, conn); err != nil || !strings.Contains(answer, `"success":true`) {
		r.t.Errorf("a login: %s %v", answer, err)
	}
	within(r.t, "a login", time.Since(began), time.Second)
}

// reliability.md check 17: how long a wrong key takes does not tell how wrong it is. The tries take turns, so that what
// else the machine does hits all alike; a signal would be a difference of the medians that stands out of the noise.
func TestAPIKeys_TheTimeOfAWrongKeySaysNothing(t *testing.T) {
	t.Parallel()
	const tries = 1000
	r := serve(t, nil, "--config", tenantFile(t, firstKey, firstAPIKey))
	wrong := []string{"X" + firstAPIKey[1:], firstAPIKey[:len(firstAPIKey)-1] + "X",
		strings.Repeat("X", len(firstAPIKey))}
	took := make([][]time.Duration, len(wrong))
	for range tries {
		for i, key := range wrong {
			began := time.Now()
			if status, body := r.askAs(key, http.MethodGet, "/api/v1/stats", ""); status != http.StatusUnauthorized {
				t.Fatalf("%d %s", status, body)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	middle, noise := spread(took)
	t.Logf("medians of %d tries: first character off %s, last %s, all %s; the middle half lies within %s", tries,
		middle[0], middle[1], middle[2], noise)
	for i := range middle {
		within(t, fmt.Sprintf("the difference of key %d", i), (middle[i] - middle[0]).Abs(), noise/2)
	}
}

// spread is the median of each row, and over how much the middle half of the first stretches.
func spread(rows [][]time.Duration) (medians []time.Duration, half time.Duration) {
	for _, row := range rows {
		slices.Sort(row)
		medians = append(medians, row[len(row)/2])
	}
	return medians, rows[0][len(rows[0])*3/4] - rows[0][len(rows[0])/4]
}
