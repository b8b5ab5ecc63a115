package sse

import (
	"io"
	"net/http"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/websocket"
)

var _ websocket.StreamSession = (*session)(nil)

// Sockets is what a Handler needs of *websocket.Server.
type Sockets interface {
	Stream(http.ResponseWriter, *http.Request, protocol.Dialect)
	AllowsOrigin(*http.Request) bool
}

var _ Sockets = (*websocket.Server)(nil)

// Handler answers at Path.
type Handler struct {
	Sockets Sockets
	Dialect *Dialect
}

// ServeHTTP implements http.Handler. It answers a page that asks whether it may read a stream (the Fetch Standard,
// "CORS protocol"); a GET becomes a stream, which lives on when ServeHTTP has returned. It blocks while the client is
// let in.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Origin")
	if origin := r.Header["Origin"]; len(origin) == 1 && h.Sockets.AllowsOrigin(r) {
		header.Set("Access-Control-Allow-Origin", origin[0])
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	switch r.Method {
	case http.MethodGet:
		h.Sockets.Stream(w, r, h.Dialect)
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET")
		header.Set("Access-Control-Allow-Headers", "Authorization, Cache-Control, Last-Event-ID")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "GET, OPTIONS")
		header.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = io.WriteString(w, `{"error":{"code":"malformed","message":"event streams are read by GET"}}`+"\n")
	}
}
