package fastpath

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// transaction is one request and its response, used again for each request of a connection and then for those of
// another. Only the connection's reader uses it.
type transaction struct {
	conn     *fastConn
	request  *http.Request // its context is deadline
	deadline *requestDeadline
	body     requestBody
	response responseWriter
	armed    time.Time // when the connection's timeouts were set
	last     bool      // the connection closes after the response that was written last
	second   int64     // of date
	date     []byte    // of the response
	out      []byte    // what was written last
}

func newTransaction() *transaction {
	t := &transaction{deadline: newRequestDeadline()}
	t.request = (&http.Request{Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: new(url.URL), Header: http.Header{}, Body: &t.body}).WithContext(t.deadline)
	t.response = responseWriter{header: http.Header{}, body: &t.body}
	return t
}

// detach prepares the transaction for another connection.
func (t *transaction) detach() {
	t.conn, t.body, t.armed, t.last = nil, requestBody{}, time.Time{}, false
}

// serve answers one request and returns what follows it. After an error the connection is of no more use.
func (t *transaction) serve(h *requestHead, text []byte) (rest []byte, err error) {
	now := time.Now()
	t.setTimeouts(now, h.last)
	rest = t.setRequest(h, text)
	t.handle(h.route.Handler, now)
	if t.last = h.last || t.conn.listener.closing(); h.last {
		return rest, writeLast(t.conn.Conn, t.write(now))
	}
	if _, err = t.conn.Conn.Write(t.write(now)); err != nil {
		return nil, err
	}
	err = t.body.drain()
	if t.body.timed { // its deadline is not for the wait that comes now
		t.armed = time.Time{}
		t.setTimeouts(time.Now(), false)
	}
	return rest, err
}

// handle lets the handler answer.
func (t *transaction) handle(handler http.Handler, now time.Time) {
	t.response.reset()
	t.deadline.start(now, t.conn.listener.cfg.Timeout)
	handler.ServeHTTP(&t.response, t.request)
	if !t.deadline.stop() {
		t.deadline = newRequestDeadline()
		t.request = t.request.WithContext(t.deadline)
	}
}

// setTimeouts sets the timeouts for this response and, unless it is the last, for the wait for the next request. It
// leaves those that hold for long enough.
func (t *transaction) setTimeouts(now time.Time, last bool) {
	if now.Sub(t.armed) < timeoutSlack {
		return
	}
	t.armed = now
	server := t.conn.listener.server
	if !last {
		_ = t.conn.Conn.SetReadDeadline(deadline(now.Add(timeoutSlack), server.IdleTimeout))
	}
	_ = t.conn.Conn.SetWriteDeadline(deadline(now.Add(timeoutSlack), server.WriteTimeout))
}

// setRequest fills the request from a head and the bytes that came with it, and returns what follows the request.
func (t *transaction) setRequest(h *requestHead, text []byte) (rest []byte) {
	end := min(len(text), h.size+h.contentLength)
	t.body = requestBody{conn: t.conn.Conn, buffered: text[h.size:end], missing: h.size + h.contentLength - end}
	t.request.ContentLength = int64(h.contentLength)
	t.request.URL.Path, t.request.RequestURI = h.route.Path, h.route.Path
	setHeader(t.request.Header, "Authorization", h.authorization)
	setHeader(t.request.Header, "X-Api-Key", h.apiKey)
	return text[end:]
}

// setHeader sets a header, which is the same in most requests of a connection.
func setHeader(header http.Header, name string, value []byte) {
	if value == nil {
		delete(header, name)
	} else if was := header[name]; len(was) != 1 || was[0] != string(value) {
		header[name] = []string{string(value)}
	}
}

// write puts the response together.
func (t *transaction) write(now time.Time) []byte {
	if second := now.Unix(); second != t.second {
		t.second, t.date = second, now.UTC().AppendFormat(t.date[:0], http.TimeFormat)
	}
	out := append(t.out[:0], "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(t.response.status), 10)
	out = append(append(out, ' '), http.StatusText(t.response.status)...)
	out = append(append(out, "\r\nDate: "...), t.date...)
	if t.last {
		out = append(out, "\r\nConnection: close"...)
	}
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(t.response.out)), 10)
	for name, values := range t.response.header {
		if name == "Content-Length" {
			continue
		}
		for _, value := range values {
			out = append(append(out, "\r\n"...), name...)
			out = append(append(out, ": "...), value...)
		}
	}
	out = append(append(out, "\r\n\r\n"...), t.response.out...)
	if t.out = out; cap(out) > maxKept {
		t.out = nil
	}
	return out
}
