package websocket

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

var handshakes = []struct {
	name    string
	request string
	status  int
	code    string
	header  string // of the response, "Name: value"
}{
	{"good", request("/debug/echo"), 101, "", "Sec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
	{"no Origin", request("/debug/echo", "-Origin"), 101, "", ""},
	{"own Origin", request("/debug/echo", "Origin: http://parley.test"), 101, "", ""},
	{"own Origin with default port", request("/debug/echo", "Origin: http://PARLEY.test:80"), 101, "", ""},
	{"own host behind a proxy that ends TLS", request("/debug/echo", "Origin: https://parley.test"), 101, "", ""},
	{"listed Origin", request("/debug/echo", "Origin: https://app.example"), 101, "", ""},
	{"Connection over two lines", request("/debug/echo", "Connection: keep-alive", "+Connection: x, upgrade"),
		101, "", ""},
	{"compression", request("/debug/echo", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
		101, "", "Sec-Websocket-Extensions: " + deflateAnswer},
	{"bad compression offer", request("/debug/echo", "Sec-WebSocket-Extensions: permessage-deflate; x"),
		101, "", "Sec-Websocket-Extensions: "},
	{"any segment", request("/cookie/7", "Cookie: good"), 101, "", ""},
	{"any segment with slash", request("/cookie/7/", "Cookie: good"), 101, "", "Sec-Websocket-Protocol: "},
	{"subprotocols", request("/cookie/7", "Cookie: good", "Sec-WebSocket-Protocol: a, v"), 101, "",
		"Sec-Websocket-Protocol: v7"},

	{"unknown path", request("/"), 404, "not_found", ""},
	{"trailing slash", request("/debug/echo/"), 404, "not_found", ""},
	{"doubled slash", request("//debug/echo"), 404, "not_found", ""},
	{"dots", request("/debug/./echo"), 404, "not_found", ""},
	{"encoded slash", request("/debug%2Fecho"), 404, "not_found", ""},
	{"encoded slash in a segment", request("/cookie/a%2Fb", "Cookie: good"), 404, "not_found", ""},
	{"empty segment", request("/cookie/", "Cookie: good"), 404, "not_found", ""},
	{"other case", request("/Debug/Echo"), 404, "not_found", ""},
	{"plain GET", request("/debug/echo", "-Upgrade", "-Connection"), 426, "malformed", "Upgrade: websocket"},
	{"another upgrade", request("/debug/echo", "Upgrade: h2c"), 426, "malformed", ""},
	{"no Connection", request("/debug/echo", "-Connection"), 400, "malformed", ""},
	{"POST", request("/debug/echo", "POST /debug/echo HTTP/1.1", "Content-Length: 0"), 405, "malformed", "Allow: GET"},
	{"HTTP/1.0", request("/debug/echo", "GET /debug/echo HTTP/1.0"), 505, "malformed", ""},
	{"a body", request("/debug/echo", "Content-Length: 1"), 400, "malformed", ""},
	{"no version", request("/debug/echo", "-Sec-WebSocket-Version"), 426, "malformed", "Sec-Websocket-Version: 13"},
	{"version 12", request("/debug/echo", "Sec-WebSocket-Version: 12"), 426, "malformed", "Sec-Websocket-Version: 13"},
	{"two versions", request("/debug/echo", "+Sec-WebSocket-Version: 8"),
		426, "malformed", "Sec-Websocket-Version: 13"},
	{"no key", request("/debug/echo", "-Sec-WebSocket-Key"), 400, "malformed", ""},
	{"key of 8 bytes", request("/debug/echo", "Sec-WebSocket-Key: MTIzNDU2Nzg="), 400, "malformed", ""},
	{"key that is not base64", request("/debug/echo", "Sec-WebSocket-Key: !!!not*base64!!!!!!!!!=="),
		400, "malformed", ""},
	{"two keys", request("/debug/echo", "+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "malformed", ""},

	// reliability.md check 9
	{"foreign Origin", request("/debug/echo", "Origin: http://evil.test"), 403, "forbidden", ""},
	{"null Origin", request("/debug/echo", "Origin: null"), 403, "forbidden", ""},
	{"own host, no scheme of pages", request("/debug/echo", "Origin: ftp://parley.test"), 403, "forbidden", ""},
	{"own host, wrong port", request("/debug/echo", "Origin: http://parley.test:8080"), 403, "forbidden", ""},
	{"listed host as a prefix", request("/debug/echo", "Origin: https://app.example.evil.test"), 403, "forbidden", ""},
	{"listed host as user", request("/debug/echo", "Origin: https://app.example@evil.test"), 403, "forbidden", ""},
	{"two Origins", request("/debug/echo", "+Origin: http://parley.test", "+Origin: http://parley.test"),
		403, "forbidden", ""},
	{"empty Origin", request("/debug/echo", "Origin: "), 403, "forbidden", ""},
	{"forwarded host from anyone", request("/debug/echo", "Origin: https://evil.test", "X-Forwarded-Host: evil.test"),
		403, "forbidden", ""},

	{"request without tenant", request("/debug/echo", "-X-Tenant"), 404, "not_found", ""},
	{"unknown tenant", request("/debug/echo", "X-Tenant: nobody"), 404, "not_found", ""},
	{"refused by the dialect", request("/cookie/7?refuse=1", "Cookie: good"), 401, "unauthorized", ""},
	{"bad credential", request("/cookie/7", "Cookie: forged"), 403, "forbidden", ""},
	{"no credential", request("/cookie/7"), 403, "forbidden", ""},
	{"credential that cannot be checked now", request("/cookie/7", "Cookie: down"), 503, "busy", "Retry-After: 1"},
	{"authentication fails in an unknown way", request("/cookie/7", "Cookie: broken"), 500, "internal", ""},
}

// reliability.md check 9, among others.
func TestHandshake_IsCheckedInFullBeforeTheUpgrade(t *testing.T) {
	h := newTestServer(t, func(c *Config) { c.Origins = []string{"https://app.example"} }, (*httptest.Server).Start)
	for _, c := range handshakes {
		t.Run(c.name, func(t *testing.T) {
			response, conn := h.ask(t, c.request)
			if response.StatusCode != c.status {
				t.Fatalf("status %d, not %d", response.StatusCode, c.status)
			}
			if name, value, ok := strings.Cut(c.header, ": "); ok && response.Header.Get(name) != value {
				t.Errorf("%s is %q, not %q", name, response.Header.Get(name), value)
			}
			if c.status == 101 {
				mustEcho(t, conn)
				return
			}
			body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
			var refusal struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal(body, &refusal); err != nil || refusal.Error.Code != c.code {
				t.Errorf("body %s, want the code %s", body, c.code)
			}
			if strings.Contains(string(body), "forged") || strings.Contains(string(body), "signature") {
				t.Errorf("the refusal tells why: %s", body)
			}
		})
	}
}

func mustEcho(t testing.TB, c *client) {
	t.Helper()
	if _, err := c.Write(clientFrame(0x81, []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	if first, data, err := c.frame(); err != nil || first != 0x81 || string(data) != "hello" {
		t.Fatalf("said hello, heard %#x %q (%v)", first, data, err)
	}
}

// reliability.md check 5.
func TestHandshake_FramesInItsPacketAreNotLost(t *testing.T) {
	h := newTestServer(t, nil, (*httptest.Server).Start)
	frames := append(clientFrame(0x81, []byte("one")), clientFrame(0x82, []byte("two"))...)
	response, c := h.ask(t, request("/debug/echo")+string(frames))
	if response.StatusCode != 101 {
		t.Fatal(response.Status)
	}
	for _, want := range []string{"one", "two"} {
		if _, data, err := c.frame(); err != nil || string(data) != want {
			t.Errorf("heard %q (%v), not %q", data, err, want)
		}
	}
}

func TestHandshake_RefusalOfTheNodeSaysWhenToComeBack(t *testing.T) {
	h := newTestServer(t, nil, (*httptest.Server).Start)
	h.node.admit = func(remote string) *protocol.Refusal {
		return &protocol.Refusal{Reason: protocol.RateLimited, Detail: "slowly, " + remote,
			RetryAfter: 1500 * time.Millisecond}
	}
	response, _ := h.ask(t, request("/debug/echo"))
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") != "2" ||
		!strings.Contains(string(body), `"slowly, 127.0.0.1"`) {
		t.Errorf("%s, Retry-After %q, %s", response.Status, response.Header.Get("Retry-After"), body)
	}
}

// reliability.md check 45, the part of this package.
func TestHandshake_MoreSocketsThanTheProcessHoldsAreRefused(t *testing.T) {
	h := newTestServer(t, func(c *Config) { c.MaxSockets = 2 }, (*httptest.Server).Start)
	var first *client
	for i := range 2 {
		response, c := h.ask(t, request("/debug/echo"))
		if response.StatusCode != 101 {
			t.Fatalf("socket %d: %s", i, response.Status)
		}
		first = c
	}
	response, _ := h.ask(t, request("/debug/echo"))
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("the third gets %s, Retry-After %q", response.Status, response.Header.Get("Retry-After"))
	}
	mustEcho(t, first)
}

func TestHandshake_OverTLS(t *testing.T) {
	h := newTestServer(t, nil, (*httptest.Server).StartTLS)
	conn, err := tls.Dial("tcp", h.Listener.Addr().String(), h.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request("/debug/echo", "Origin: https://parley.test"))
	c := &client{conn, bufio.NewReader(conn)}
	if response, err := http.ReadResponse(c.r, nil); err != nil || response.StatusCode != 101 {
		t.Fatalf("%v, %v", response, err)
	}
	mustEcho(t, c)
	big := make([]byte, 90_000)
	go c.Write(clientFrame(0x82, big))
	if _, data, err := c.frame(); err != nil || len(data) != len(big) {
		t.Errorf("heard %d bytes of %d (%v)", len(data), len(big), err)
	}
	c.Write(clientFrame(0x88, []byte("\x03\xe8")))
	if code, _ := c.closed(t); code != 1000 {
		t.Errorf("closed with %d", code)
	}
}
