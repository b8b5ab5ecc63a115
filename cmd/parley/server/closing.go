package server

import "net/http"

// closing adds Connection: close to every answer while the server drains, so that net/http closes the connection:
// clients that keep their connections open go elsewhere with their next request, and none meets a connection that is
// just being closed. Requests that came behind such an answer are not done.
type closing struct {
	http.Handler
	draining func() bool
}

// ServeHTTP implements http.Handler.
func (c closing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	last := &lastAnswer{ResponseWriter: w, draining: c.draining}
	c.Handler.ServeHTTP(last, r)
	last.setClose() // of an answer without a body
}

// lastAnswer is an answer that may turn out to be its connection's last, up to the moment when it is sent.
type lastAnswer struct {
	http.ResponseWriter
	draining func() bool
	written  bool
}

func (w *lastAnswer) setClose() {
	if w.written {
		return
	}
	w.written = true
	if w.draining() {
		h := w.Header()
		h["Connection"] = append([]string{"close"}, h["Connection"]...) // net/http looks at the first
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *lastAnswer) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.setClose()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *lastAnswer) Write(p []byte) (int, error) {
	w.setClose()
	return w.ResponseWriter.Write(p)
}

// FlushError is what an http.ResponseController looks for.
func (w *lastAnswer) FlushError() error {
	w.setClose()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is what an http.ResponseController looks for, to hijack and to set deadlines.
func (w *lastAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
