package websocket

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// recorded waits for the newest entry of a ring.
func recorded(t *testing.T, find func(recorder.Query, int) ([]recorder.Entry, uint64), tenant string) recorder.Entry {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if found, _ := find(recorder.Query{Tenant: tenant}, 1); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("nothing was recorded")
	return recorder.Entry{}
}

func TestRecorder_SocketsSayHowTheyEnded(t *testing.T) {
	for want, end := range map[string]func(c *client){
		"client 1001 The client closed the connection with code 1001: it said \"bye\".": func(c *client) {
			c.Conn.Write(clientFrame(0x88, []byte("\x03\xe9bye")))
		},
		"client 1005 The client closed the connection without a code.": func(c *client) {
			c.Conn.Write(clientFrame(0x88, nil))
		},
		"network 1006 The network broke the connection, or the client went away without closing it: " +
			"its side of the stream ended without a close frame.": func(c *client) { c.Conn.Close() },
		"server 1002 The server closed the connection with code 1002: the client sent what cannot be read: " +
			"frames from a client must be masked.": func(c *client) { c.Conn.Write([]byte("\x81\x02hi")) },
		"server 1009 The server closed the connection with code 1009: a message was larger than the limit: " +
			"message too large.": func(c *client) {
			c.Conn.Write([]byte("\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00mask"))
		},
		"server 1007 The server closed the connection with code 1007: the client sent what cannot be read: " +
			"text is not UTF-8.": func(c *client) { c.Conn.Write(clientFrame(0x81, []byte("\xff"))) },
	} {
		t.Run(want, func(t *testing.T) {
			h := newTestServerWith(t, actors.Config{Recorder: 10}, nil)
			response, c := h.ask(t, request("/cookie/7", "Cookie: good", "Origin: http://parley.test",
				"X-Request-Id: proxy-7"))
			if response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(response.Status)
			}
			end(c)
			e := recorded(t, h.node.Recorder().Connections, "acme")
			if got := strings.Join([]string{e.By.String(), strconv.Itoa(int(e.Code)), e.Why()}, " "); got != want {
				t.Errorf("recorded %s", got)
			}
			if e.RequestID != "proxy-7" || e.Origin != "http://parley.test" || e.User != "u" ||
				e.Remote != "127.0.0.1" {
				t.Errorf("the entry is %+v", e)
			}
		})
	}
}

func TestRecorder_RefusedHandshakesSayToOperatorsWhatTheClientMayNotKnow(t *testing.T) {
	h := newTestServerWith(t, actors.Config{Recorder: 10}, nil)
	for _, c := range []struct {
		tenant  string
		request string
		status  int
		reason  protocol.Reason
		rule    string
	}{
		{"", request("/nowhere"), 404, protocol.NotFound, "path"},
		{"", request("/cookie/7", "X-Tenant: "), 404, protocol.NotFound, "path"},
		{"", request("/cookie/7", "Origin: http://evil.test"), 403, protocol.Forbidden, "origin"},
		{"", request("/cookie/7", "-Upgrade"), 426, protocol.Malformed, "RFC 6455"},
		{"acme", request("/cookie/7?token=s3cret"), 403, protocol.InvalidToken, "token_signature"},
		{"acme", request("/cookie/7", "Cookie: down"), 503, protocol.Busy, "connections"},
		{"acme", request("/cookie/7?refuse=1"), 401, protocol.Unauthorized, "token_form"},
	} {
		response, _ := h.ask(t, c.request)
		id := response.Header.Get("X-Request-Id")
		body, _ := io.ReadAll(response.Body)
		found, _ := h.node.Recorder().Refusals(recorder.Query{Tenant: c.tenant, RequestID: id}, 1)
		if response.StatusCode != c.status || len(found) != 1 || !strings.Contains(string(body), id) {
			t.Errorf("%q: %d %s, recorded %+v", c.request, response.StatusCode, body, found)
			continue
		}
		if e := found[0]; e.Status != c.status || e.Reason != c.reason || e.Decided() != c.rule ||
			strings.Contains(e.Why()+e.Detail, "s3cret") {
			t.Errorf("%q: recorded %+v, decided by %s", c.request, e, e.Decided())
		}
	}
}
