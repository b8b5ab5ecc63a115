package publisher

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// patience is how long an answer may take, and maxAnswer how large it may be, in bytes.
const (
	timeout   = 15 * time.Second
	maxAnswer = 4 << 20
)

// appendHead appends the head of a request.
func appendHead(dst []byte, call *target.Call, host string, w *target.Values, length int, last bool) []byte {
	dst = append(append(dst, call.Method...), ' ')
	dst = call.Path.Append(dst, w)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\n"...)
	for i := range call.Header {
		dst = append(call.Header[i].Append(dst, w), "\r\n"...)
	}
	if last {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(length), 10)
	return append(dst, "\r\n\r\n"...)
}

// httpTransport is one HTTP/1.1 connection. It connects again when the server closes it.
type httpTransport struct {
	address string
	good    []byte
	fresh   bool
	secure  *tls.Config // nil without TLS
	conn    stream      // nil if there is none now
	in      *bufio.Reader
	body    []byte
}

// stream is a socket, or TLS over one.
type stream interface {
	io.Reader
	write(p []byte) error
	close()
}

func dialHTTP(plan Plan) (*httpTransport, error) {
	h := &httpTransport{address: plan.Address, good: []byte(plan.Call.Good), fresh: plan.Fresh, secure: plan.TLS,
		in: bufio.NewReaderSize(nil, 16<<10)}
	if h.fresh {
		return h, nil
	}
	return h, h.connect()
}

func (h *httpTransport) connect() error {
	conn, err := dial(h.address)
	if err != nil {
		return err
	}
	h.conn = conn
	if h.secure != nil {
		h.conn = overTLS(conn, h.secure)
	}
	h.in.Reset(h.conn)
	return nil
}

func (h *httpTransport) close() {
	if h.conn != nil {
		h.conn.close()
		h.conn = nil
	}
}

// call implements transport. A status that is not 2xx is an error, as is an answer without the text of a good one.
func (h *httpTransport) call(request []byte) error {
	if h.conn == nil {
		if err := h.connect(); err != nil {
			return err
		}
	}
	if err := h.conn.write(request); err != nil {
		return err
	}
	a, err := h.read()
	if err != nil {
		return fmt.Errorf("while reading the answer: %w", err)
	}
	if a.status/100 != 2 || !bytes.Contains(h.body, h.good) {
		return fmt.Errorf("the server answered %d %.300s", a.status, h.body)
	}
	if a.last || h.fresh {
		h.close()
	}
	return nil
}

// answer is the head of an answer.
type answer struct {
	status  int
	length  int // of the body, in bytes; -1 if it was not said
	chunked bool
	last    bool // the server closes the connection
}

// read reads an answer; its body is in h.body.
func (h *httpTransport) read() (answer, error) {
	a, err := h.head()
	if err != nil {
		return a, err
	}
	h.body = h.body[:0]
	switch {
	case a.chunked:
		return a, h.chunks()
	case a.length >= 0:
		return a, h.piece(a.length)
	case a.status == 204:
		return a, nil
	}
	a.last = true
	h.body, err = io.ReadAll(io.LimitReader(h.in, maxAnswer))
	return a, err
}

var errHead = errors.New("that is no HTTP/1 answer")

func (h *httpTransport) head() (answer, error) {
	a := answer{length: -1}
	line, err := h.in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return a, errHead
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, errHead
	}
	for {
		line, err := h.in.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return a, nil
		}
		if err := a.header(line); err != nil {
			return a, err
		}
	}
}

// header takes a line of the head.
func (a *answer) header(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case is(name, "content-length"):
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 0 || n > maxAnswer {
			return fmt.Errorf("a Content-Length of %q", value)
		}
		a.length = n
	case is(name, "transfer-encoding"):
		a.chunked = is(value, "chunked")
	case is(name, "connection"):
		a.last = is(value, "close")
	}
	return nil
}

// is compares without regard to case, and without garbage.
func is(text []byte, lower string) bool {
	return len(text) == len(lower) && bytes.EqualFold(text, []byte(lower))
}

// piece appends n bytes to the body.
func (h *httpTransport) piece(n int) error {
	if len(h.body)+n > maxAnswer {
		return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	begin := len(h.body)
	h.body = append(h.body, make([]byte, n)...)
	_, err := io.ReadFull(h.in, h.body[begin:])
	return err
}

// chunks reads a chunked body; trailers are not expected.
func (h *httpTransport) chunks() error {
	for {
		line, err := h.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(";"))
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil {
			return fmt.Errorf("a chunk of size %q", size)
		}
		if err := h.piece(int(n)); err != nil {
			return err
		}
		if end, err := h.in.ReadSlice('\n'); err != nil || len(bytes.TrimRight(end, "\r\n")) > 0 {
			return errors.Join(errors.New("a chunk without end"), err)
		}
		if n == 0 {
			return nil
		}
	}
}
