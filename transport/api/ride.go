package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ride is what a connection needs to take the shortcut: one request and its answer, used again for each. Only the
// connection's reader uses it.
type ride struct {
	conn    *direct
	request *http.Request // its context is wait
	wait    *patience
	body    body
	answer  answerer
	armed   time.Time // when the connection's timeouts were set
	last    bool      // the answer that was written last said that none follows
	second  int64     // of date
	date    []byte    // of the answer
	out     []byte    // what was written last
}

func newRide(c *direct) *ride {
	r := &ride{conn: c, wait: newPatience()}
	r.request = (&http.Request{Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: new(url.URL), Header: http.Header{}, Body: &r.body}).WithContext(r.wait)
	r.answer = answerer{header: http.Header{}, body: &r.body}
	return r
}

// serve answers one request and returns what follows it. After an error the connection is of no more use.
func (r *ride) serve(h *head, got []byte) (rest []byte, err error) {
	now := time.Now()
	r.arm(now)
	rest = r.take(h, got)
	r.ask(h.lane.door, now)
	r.last = r.conn.shortcut.closing()
	if _, err = r.conn.Conn.Write(r.write(now)); err != nil {
		return nil, err
	}
	err = r.body.drain()
	if r.body.timed { // what it set is not for the wait that comes now
		r.armed = time.Time{}
		r.arm(time.Now())
	}
	return rest, err
}

// ask has the request answered.
func (r *ride) ask(d *door, now time.Time) {
	r.answer.reset()
	r.wait.start(now, d.api.cfg.RequestTimeout)
	d.ServeHTTP(&r.answer, r.request)
	if !r.wait.stop() {
		r.wait = newPatience()
		r.request = r.request.WithContext(r.wait)
	}
}

// arm sets the timeouts for this answer and the wait for the next request, unless they are good for long enough.
func (r *ride) arm(now time.Time) {
	if now.Sub(r.armed) < slack {
		return
	}
	r.armed = now
	server := r.conn.shortcut.server
	_ = r.conn.Conn.SetReadDeadline(deadline(now.Add(slack), server.IdleTimeout))
	_ = r.conn.Conn.SetWriteDeadline(deadline(now.Add(slack), server.WriteTimeout))
}

// take makes the request of a head and of what came with it.
func (r *ride) take(h *head, got []byte) (rest []byte) {
	all := min(len(got), h.size+h.length)
	r.body = body{conn: r.conn.Conn, here: got[h.size:all], there: h.size + h.length - all}
	r.request.ContentLength = int64(h.length)
	r.request.URL.Path, r.request.RequestURI = h.lane.path, h.lane.path
	keep(r.request.Header, "Authorization", h.authorization)
	keep(r.request.Header, "X-Api-Key", h.key)
	return got[all:]
}

// keep sets a header, which is the same in most requests of a connection.
func keep(header http.Header, name string, value []byte) {
	if value == nil {
		delete(header, name)
	} else if was := header[name]; len(was) != 1 || was[0] != string(value) {
		header[name] = []string{string(value)}
	}
}

// write puts the answer together.
func (r *ride) write(now time.Time) []byte {
	if second := now.Unix(); second != r.second {
		r.second, r.date = second, now.UTC().AppendFormat(r.date[:0], http.TimeFormat)
	}
	out := append(r.out[:0], "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(r.answer.status), 10)
	out = append(append(out, ' '), http.StatusText(r.answer.status)...)
	out = append(append(out, "\r\nDate: "...), r.date...)
	if r.last {
		out = append(out, "\r\nConnection: close"...)
	}
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(r.answer.out)), 10)
	for name, values := range r.answer.header {
		if name == "Content-Length" {
			continue
		}
		for _, value := range values {
			out = append(append(out, "\r\n"...), name...)
			out = append(append(out, ": "...), value...)
		}
	}
	out = append(append(out, "\r\n\r\n"...), r.answer.out...)
	if r.out = out; cap(out) > kept {
		r.out = nil
	}
	return out
}

// answerer is the http.ResponseWriter of a ride.
type answerer struct {
	header http.Header
	status int
	out    []byte
	body   *body // of the request
}

func (w *answerer) reset() {
	clear(w.header)
	if w.status, w.out = http.StatusOK, w.out[:0]; cap(w.out) > kept {
		w.out = nil
	}
}

// Header implements http.ResponseWriter.
func (w *answerer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *answerer) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *answerer) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// SetReadDeadline is what an http.ResponseController looks for. The connection gets it if the body has to be waited for.
func (w *answerer) SetReadDeadline(t time.Time) error {
	w.body.until = t
	return nil
}
