package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/lxzan/gws"
)

// maxBody is how long a published body may be, in bytes.
const maxBody = 1<<16 - 1

// upgrader accepts sockets into a hub. Clients send little and seldom, which a small read buffer suits.
func upgrader(r *hub) *gws.Upgrader {
	return gws.NewUpgrader(r, &gws.ServerOption{ReadBufferSize: 1024, ReadMaxPayloadSize: maxBody})
}

func routes(r *hub) http.Handler {
	up, mux := upgrader(r), http.NewServeMux()
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, q *http.Request) {
		if c, err := up.Upgrade(w, q); err == nil { // gws has answered if not
			go c.ReadLoop() // ends with the socket
		}
	})
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, q *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
		if err != nil {
			http.Error(w, fmt.Sprintf("a body may have %d bytes: %v", maxBody, err), http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, r.publish(text))
	})
	return mux
}
