package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// road is one connection to a server of the house, with or without the shortcut.
type road struct {
	net.Conn
	server *http.Server
	long   *atomic.Int32 // requests that came by net/http
	in     *bufio.Reader
	end    func()
}

func (h *house) road(short bool) *road {
	client, conn := net.Pipe()
	r := &road{Conn: client, long: new(atomic.Int32), in: bufio.NewReader(client)}
	r.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			r.long.Add(1)
			h.Public().ServeHTTP(w, q)
		})}
	var l net.Listener = &oneConn{conn: conn, closed: make(chan struct{})}
	if short {
		l = h.Shortcut(l, r.server)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.server.Serve(l)
	}()
	r.end = func() {
		client.Close()
		r.server.Close()
		<-done
		time.Sleep(time.Second) // net/http lets some connections linger for half of that
	}
	return r
}

// say writes without waiting for who reads it: what is refused early is not read to its end.
func (r *road) say(parts ...string) {
	go func() {
		for _, part := range parts {
			io.WriteString(r, part)
		}
	}()
}

// hear reads one answer: its status, headers in order but for Date, and body.
func (r *road) hear() string {
	a, err := http.ReadResponse(r.in, nil)
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
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: parley.example:8000", "User-Agent: test/1.0", "Content-Type: application/json",
		fmt.Sprint("Content-Length: ", len(body))}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// roads are requests, and whether they take the shortcut.
var roads = map[string]struct {
	says  string
	short bool
}{
	"publish":             {post(publishPath, event, "X-API-Key: k1"), true},
	"bearer":              {post(publishPath, event, "Authorization: Bearer k1", "Connection: Keep-Alive", "Accept: */*"), true},
	"both keys":           {post(publishPath, event, "authorization: bearer k1", "x-api-key:\t k2 "), true},
	"batch":               {post("/api/v1/batch", `{"publish":[`+event+`,5,`+event+`]}`, "X-API-KEY: k1"), true},
	"large batch":         {post("/api/v1/batch", `{"publish":[`+strings.Repeat(event+",", 3000)+event+`]}`, "X-API-KEY: k1"), true},
	"no key":              {post(publishPath, event), true},
	"wrong key":           {post(publishPath, event, "X-API-Key: k3"), true},
	"no body":             {post(publishPath, "", "X-API-Key: k1"), true},
	"no JSON":             {post(publishPath, "{", "X-API-Key: k1"), true},
	"too large":           {post(publishPath, strings.Repeat(" ", 200<<10), "X-API-Key: k1"), true},
	"too large, no key":   {post(publishPath, strings.Repeat(" ", 200<<10)), true},
	"MFA":                 {post(publishPath, `{"user":"x","event":{"kind":"json","data":{"message":"MFA_REQUIRED"}}}`, "X-API-Key: k1"), true},
	"larger":              {post("/api/v1/batch", strings.Repeat(" ", longest+1), "X-API-Key: k1"), false},
	"much too large":      {post(publishPath, strings.Repeat(" ", longest+1), "X-API-Key: k1"), false},
	"two keys":            {post(publishPath, event, "X-API-Key: k1", "X-API-Key: k1"), false},
	"empty key":           {post(publishPath, event, "X-API-Key: "), false},
	"close":               {post(publishPath, event, "X-API-Key: k1", "Connection: close"), false},
	"upgrade":             {post(publishPath, event, "X-API-Key: k1", "Connection: Upgrade", "Upgrade: websocket"), false},
	"expect":              {post(publishPath, event, "X-API-Key: k1", "Expect: 100-something"), false},
	"chunks":              {"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\nTransfer-Encoding: chunked\r\n\r\n2e\r\n" + event + "\r\n0\r\n\r\n", false},
	"chunks and length":   {post(publishPath, "2e\r\n"+event+"\r\n0\r\n\r\n", "X-API-Key: k1", "Transfer-Encoding: chunked"), false},
	"other coding":        {post(publishPath, event, "X-API-Key: k1", "Transfer-Encoding: identity"), false},
	"two lengths":         {post(publishPath, event, "X-API-Key: k1", "Content-Length: 5"), false},
	"length twice":        {post(publishPath, event, "X-API-Key: k1", "Content-Length: 46"), false},
	"odd length":          {"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\nContent-Length: +46\r\n\r\n" + event, false},
	"huge length":         {"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\nContent-Length: 18446744073709551662\r\n\r\n" + event, false},
	"no length":           {"POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n\r\n", false},
	"no host":             {"POST /api/v1/publish HTTP/1.1\r\nX-API-Key: k1\r\nContent-Length: 46\r\n\r\n" + event, false},
	"two hosts":           {post(publishPath, event, "X-API-Key: k1", "Host: y"), false},
	"odd host":            {strings.Replace(post(publishPath, event, "X-API-Key: k1"), "parley.example", "a b", 1), false},
	"folded":              {post(publishPath, event, "X-API-Key: k1", "A: b", " c"), false},
	"bare newline":        {post(publishPath, event, "X-API-Key: k1", "A: b\nTransfer-Encoding: chunked"), false},
	"bare return":         {post(publishPath, event, "X-API-Key: k1", "A: b\rTransfer-Encoding: chunked"), false},
	"NUL":                 {post(publishPath, event, "X-API-Key: k1", "A: \x00"), false},
	"space before colon":  {post(publishPath, event, "X-API-Key: k1", "Content-Length : 5"), false},
	"no colon":            {post(publishPath, event, "X-API-Key: k1", "A"), false},
	"no name":             {post(publishPath, event, "X-API-Key: k1", ": b"), false},
	"HTTP/1.0":            {strings.Replace(post(publishPath, event, "X-API-Key: k1"), "HTTP/1.1", "HTTP/1.0", 1), false},
	"HTTP/1.2":            {strings.Replace(post(publishPath, event, "X-API-Key: k1"), "HTTP/1.1", "HTTP/1.2", 1), false},
	"two spaces":          {strings.Replace(post(publishPath, event, "X-API-Key: k1"), "POST ", "POST  ", 1), false},
	"lower case":          {strings.Replace(post(publishPath, event, "X-API-Key: k1"), "POST ", "post ", 1), false},
	"query":               {post(publishPath+"?key=k1", event), false},
	"absolute":            {post("http://parley.example"+publishPath, event, "X-API-Key: k1"), false},
	"escaped":             {post("/api/v1/publis%68", event, "X-API-Key: k1"), false},
	"other path":          {post("/api/v1/revoke", `{"user":"1"}`, "X-API-Key: k1"), false},
	"other method":        {"GET /api/v1/publish HTTP/1.1\r\nHost: x\r\n\r\n", false},
	"line before":         {"\r\n" + post(publishPath, event, "X-API-Key: k1"), false},
	"nonsense":            {"\x16\x03\x01\x02\x00\r\n\r\n", false},
	"many headers":        {post(publishPath, event, "X-API-Key: k1", "A: "+strings.Repeat("b", 5000)), false},
	"as large as may be":  {post(publishPath, `{"all":true,"event":{"kind":"json","data":{"x":"`+strings.Repeat("x", 65000)+`"}}}`, "X-API-Key: k1"), true},
	"a header that is ok": {post(publishPath, event, "X-API-Key: k1", "A-_.1~: \xe4 b\t!"), true},
}

// FuzzHead: a head that the shortcut takes is one that net/http reads in the same way, to the same byte.
func FuzzHead(f *testing.F) {
	for _, c := range roads {
		if len(c.says) < 2000 {
			f.Add([]byte(c.says))
		}
	}
	doors := []lane{{publishPath, nil}, {"/api/v1/batch", nil}}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, ok := readHead(text, doors)
		if !ok {
			return
		}
		rest := bytes.NewReader(text)
		in := bufio.NewReader(rest)
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http does not take %q: %v", text, err)
		}
		if size := len(text) - rest.Len() - in.Buffered(); size != h.size {
			t.Fatalf("the head of %q has %d bytes, not %d", text, size, h.size)
		}
		if r.Method != "POST" || r.RequestURI != h.lane.path || r.URL.Path != h.lane.path || !r.ProtoAtLeast(1, 1) || r.ProtoMinor != 1 ||
			r.ContentLength != int64(h.length) || r.TransferEncoding != nil || r.Close || r.Host == "" || r.Header.Get("Expect") != "" || r.Header.Get("Upgrade") != "" {
			t.Fatalf("%q is %+v", text, r)
		}
		for name, value := range map[string][]byte{"Authorization": h.authorization, "X-Api-Key": h.key} {
			if lines := r.Header[name]; len(lines) > 1 || (len(lines) == 1) != (value != nil) || value != nil && lines[0] != string(value) {
				t.Fatalf("%s of %q is %q, not %q", name, text, lines, value)
			}
		}
	})
}
