package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"golang.org/x/time/rate"
)

// exchange is one request and its answer, on the way through a door. Only the request's goroutine uses it; after leave
// somebody else's does, so nobody keeps a slice of in or out.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	tenant  string
	limiter *rate.Limiter // of the key, nil if its rate has no limit
	own     bool          // errors have a member detail as well

	in      []byte // the body, once it was read
	out     []byte // the answer
	status  int
	why     protocol.Reason // of a refusal
	request string          // the id of a request that was refused
	sent    bool            // the call wrote its answer itself
	spoilt  bool
}

// kept is how large the buffers of an exchange may be that waits for its next request.
const kept = 128 << 10

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func enter(w http.ResponseWriter, r *http.Request) *exchange {
	x := exchanges.Get().(*exchange)
	x.w, x.r, x.status = w, r, http.StatusOK
	return x
}

// spoil keeps the exchange's buffers from being used again.
func (x *exchange) spoil() { x.spoilt, x.in, x.out = true, nil, nil }

func (x *exchange) leave() {
	if x.spoilt || cap(x.in) > kept || cap(x.out) > kept {
		return
	}
	*x = exchange{in: x.in[:0], out: x.out[:0]}
	exchanges.Put(x)
}

// header sets a header whose name is in its canonical form.
func (x *exchange) header(name, value string) { x.w.Header()[name] = []string{value} }

// Headers of every answer; net/http reads them only.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

// send writes the answer, unless the call did.
func (x *exchange) send() {
	if x.sent {
		return
	}
	h := x.w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	if x.status == http.StatusNoContent {
		x.w.WriteHeader(x.status)
		return
	}
	h["Content-Type"] = jsonType
	if len(x.out) > 1024 { // net/http counts shorter ones itself
		h["Content-Length"] = []string{strconv.Itoa(len(x.out))}
	}
	x.w.WriteHeader(x.status)
	x.w.Write(x.out) // its error means that the client is gone; there is nobody to tell
}

// read takes in the body, at most limit bytes of it, within the time.
func (x *exchange) read(limit int, within time.Duration) error {
	if x.r.ContentLength > int64(limit) {
		return tooLarge(limit)
	}
	if x.r.ContentLength != 0 {
		// Not every ResponseWriter can; the server's own can.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(within))
	}
	// What the header promises is believed up to a point: memory is for bytes that came.
	x.in = grow(x.in[:0], min(max(512, int(x.r.ContentLength)+1), kept))
	for {
		n, err := x.r.Body.Read(x.in[len(x.in):cap(x.in)])
		x.in = x.in[:len(x.in)+n]
		switch {
		case len(x.in) > limit:
			return tooLarge(limit)
		case err == io.EOF:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return protocol.Refuse(protocol.Silent, "the body did not arrive within %s", within)
		case err != nil:
			return protocol.Refuse(protocol.Malformed, "the body ended before it was complete")
		}
		if len(x.in) == cap(x.in) {
			x.in = grow(x.in, min(2*cap(x.in), limit+1))
		}
	}
}

func tooLarge(limit int) error {
	return protocol.Refuse(protocol.TooLarge, "the body has more than %d bytes, which is the limit of this call", limit)
}

// grow returns a buffer with the same content and room for size bytes.
func grow(buffer []byte, size int) []byte {
	if cap(buffer) >= size {
		return buffer
	}
	return append(make([]byte, 0, size), buffer...)
}
