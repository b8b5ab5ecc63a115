package fastpath

import (
	"net/http"
	"time"
)

// maxKept is how large a response's buffers may be that wait for the next one, in bytes.
const maxKept = 128 << 10

// responseWriter is the http.ResponseWriter of a transaction. It keeps the whole response.
type responseWriter struct {
	header http.Header
	status int
	out    []byte
	body   *requestBody
}

func (w *responseWriter) reset() {
	clear(w.header)
	if w.status, w.out = http.StatusOK, w.out[:0]; cap(w.out) > maxKept {
		w.out = nil
	}
}

// Header implements http.ResponseWriter.
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *responseWriter) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *responseWriter) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// SetReadDeadline is what an http.ResponseController looks for. The connection gets it if the body has to be waited
// for.
func (w *responseWriter) SetReadDeadline(t time.Time) error {
	w.body.until = t
	return nil
}
