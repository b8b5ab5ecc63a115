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

// requestContext is one request and its response on their way through a handler. Only the request's goroutine uses it.
// After release another request uses it, so nothing may keep a slice of body or out.
type requestContext struct {
	w          http.ResponseWriter
	r          *http.Request
	tenant     string
	limiter    *rate.Limiter // of the key, nil if its rate has no limit
	withDetail bool          // errors have a member detail as well

	body      []byte // of the request, once readBody has read it
	out       []byte // the body of the response
	status    int
	reason    protocol.Reason // of a refusal
	requestID string          // of a request that was refused
	written   bool            // the call wrote the response itself
	discarded bool            // the buffers may be in use elsewhere
}

// maxPooled is how large the buffers of a request may be that are used again, in bytes.
const maxPooled = 128 << 10

var requestContexts = sync.Pool{New: func() any { return new(requestContext) }}

func newRequestContext(w http.ResponseWriter, r *http.Request) *requestContext {
	rc := requestContexts.Get().(*requestContext)
	rc.w, rc.r, rc.status = w, r, http.StatusOK
	return rc
}

// discardBuffers keeps the buffers from being used again.
func (rc *requestContext) discardBuffers() { rc.discarded, rc.body, rc.out = true, nil, nil }

func (rc *requestContext) release() {
	if rc.discarded || cap(rc.body) > maxPooled || cap(rc.out) > maxPooled {
		return
	}
	*rc = requestContext{body: rc.body[:0], out: rc.out[:0]}
	requestContexts.Put(rc)
}

// setHeader sets a header whose name is in its canonical form.
func (rc *requestContext) setHeader(name, value string) { rc.w.Header()[name] = []string{value} }

// Headers of every response. They are shared and never changed.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

// respond writes the response, unless the call did.
func (rc *requestContext) respond() {
	if rc.written {
		return
	}
	h := rc.w.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	if rc.status == http.StatusNoContent {
		rc.w.WriteHeader(rc.status)
		return
	}
	h["Content-Type"] = jsonType
	if len(rc.out) > 1024 { // net/http counts the bytes of shorter ones itself
		h["Content-Length"] = []string{strconv.Itoa(len(rc.out))}
	}
	rc.w.WriteHeader(rc.status)
	rc.w.Write(rc.out) // after an error the client is gone
}

// readBody reads the body of the request, and refuses one that has more than limit bytes or takes longer than within.
func (rc *requestContext) readBody(limit int, within time.Duration) error {
	if rc.r.ContentLength > int64(limit) {
		return tooLarge(limit)
	}
	if rc.r.ContentLength != 0 {
		// Not every ResponseWriter can do this; the server's own can.
		_ = http.NewResponseController(rc.w).SetReadDeadline(time.Now().Add(within))
	}
	// A large Content-Length gets no memory before the bytes have come.
	rc.body = grow(rc.body[:0], min(max(512, int(rc.r.ContentLength)+1), maxPooled))
	for {
		n, err := rc.r.Body.Read(rc.body[len(rc.body):cap(rc.body)])
		rc.body = rc.body[:len(rc.body)+n]
		switch {
		case len(rc.body) > limit:
			return tooLarge(limit)
		case err == io.EOF:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return protocol.Refuse(protocol.Silent, "the body did not arrive within %s", within)
		case err != nil:
			return protocol.Refuse(protocol.Malformed, "the body ended before it was complete")
		}
		if len(rc.body) == cap(rc.body) {
			rc.body = grow(rc.body, min(2*cap(rc.body), limit+1))
		}
	}
}

// charge takes tokens for n more requests, even if there are too few: later requests wait for them.
func (rc *requestContext) charge(n int) {
	if rc.limiter == nil {
		return
	}
	for now := time.Now(); n > 0; n -= rc.limiter.Burst() {
		rc.limiter.ReserveN(now, min(n, rc.limiter.Burst()))
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
