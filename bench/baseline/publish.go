package main

import (
	"slices"
	"strconv"
)

// publish is one frame, or the frames of a window, being written to all sockets.
type publish struct {
	frame []byte      // nil for nothing on its way
	from  *connection // its publisher; nil for a window, whose publishers have their answers
	at    int         // the first socket that it was not written to
	end   int         // it goes to sockets[:end]
	count int
}

// requests answers the requests in data, up to one that has to wait, and keeps the rest.
func (l *loop) requests(c *connection, data []byte) (ok bool) {
	for len(data) > 0 && c.reads() && !c.socket {
		r, n, err := parse(data)
		if err != nil {
			c.last = true
			return l.respond(c, err.Error(), "")
		}
		if n == 0 {
			break
		}
		c.last = r.last
		if !l.request(c, r) {
			return false
		}
		data = data[n:]
	}
	if c.socket || len(data) == 0 {
		c.in = nil
	} else {
		c.in = append(c.in[:0], data...)
	}
	return true
}

func (l *loop) request(c *connection, r request) (ok bool) {
	switch method, path := string(r.method), string(r.path); {
	case method == "GET" && len(r.key) > 0:
		c.socket, c.index = true, len(l.sockets)
		l.sockets = append(l.sockets, c)
		l.answer = appendHandshake(l.answer[:0], r.key)
		return l.send(c, l.answer)
	case method == "POST" && path == "/publish":
		c.waiting, c.frame = true, appendFrame(c.frame[:0], r.body)
		l.next = append(l.next, c)
		return true
	case method == "GET" && path == "/health":
		return l.respond(c, "200 OK", "ok")
	default:
		return l.respond(c, "404 Not Found", "")
	}
}

func (l *loop) respond(c *connection, status, body string) (ok bool) {
	l.answer = append(append(l.answer[:0], "HTTP/1.1 "...), status...)
	l.answer = strconv.AppendInt(append(l.answer, "\r\nContent-Length: "...), int64(len(body)), 10)
	l.answer = append(append(l.answer, "\r\n\r\n"...), body...)
	return l.send(c, l.answer)
}

// publish writes the frames that wait, one after the other or window by window, as long as there is room.
func (l *loop) publish() {
	l.gather()
	for l.begin() && l.write() {
		l.finish()
		l.gather()
	}
}

// begin takes the next frame, or the window that has ended, unless one is being written. It returns false if there is
// none.
func (l *loop) begin() bool {
	if l.now.frame != nil {
		return true
	}
	if len(l.next) == 0 && len(l.batch) == 0 || l.window > 0 && !l.windowEnded() {
		return false
	}
	if l.closed > 0 {
		l.compact()
	}
	if l.window > 0 {
		l.now = publish{frame: l.batch, end: len(l.sockets)}
		l.batch, l.spare = l.spare[:0], l.batch
		return true
	}
	l.now = publish{frame: l.next[0].frame, from: l.next[0], end: len(l.sockets)}
	l.next = slices.Delete(l.next, 0, 1)
	return true
}

// compact removes the sockets that closed.
func (l *loop) compact() {
	l.sockets = slices.DeleteFunc(l.sockets, func(c *connection) bool { return c == nil })
	for i, c := range l.sockets {
		c.index = i
	}
	l.closed = 0
}

// write writes the frame to the sockets that do not have it yet; it returns false when it has to wait for room.
func (l *loop) write() bool {
	frame := l.now.frame
	for ; l.now.at < l.now.end; l.now.at++ {
		c := l.sockets[l.now.at]
		if c == nil {
			continue
		}
		if l.queued+len(frame) > l.limit {
			return false
		}
		n, ok := c.write(frame)
		if ok && n == len(frame) {
			l.now.count++
			continue
		}
		if ok {
			l.queue(c, frame[n:])
			l.now.count++
		}
		l.update(c, ok)
	}
	return true
}

// finish ends the publish that is written.
func (l *loop) finish() {
	c, count := l.now.from, l.now.count
	l.now = publish{}
	if c != nil {
		l.release(c, count)
	}
}

// release answers the publisher and handles what it has sent since.
func (l *loop) release(c *connection, count int) {
	c.waiting = false
	if l.byFD[c.fd] != c {
		return // it did not wait
	}
	ok := l.respond(c, "200 OK", strconv.Itoa(count))
	l.update(c, ok && l.requests(c, c.in))
}
