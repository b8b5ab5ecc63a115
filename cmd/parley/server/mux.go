package server

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/appapi"
	"github.com/parley-realtime/parley/transport/sse"
	"github.com/parley-realtime/parley/transport/websocket"
)

// mux is the handler of an address: it serves sockets on the paths of their dialects, calls, and sends the rest to
// another handler. Its routes can be replaced while it serves.
type mux struct{ routes atomic.Pointer[routes] }

// routes are where a mux sends requests. They are never changed.
type routes struct {
	sockets *websocket.Handler
	byHost  map[string]*websocket.Handler // of hosts that have dialects of their own
	calls   http.Handler                  // of backends, users and outposts
	apps    http.Handler                  // of the backends of apps; nil where there are none
	rest    http.Handler
	events  http.Handler // event streams; nil where they are not served
	prefix  string       // of /api/v3/, as protocol.APISettings have it
}

// ServeHTTP implements http.Handler.
func (d *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.routes.Load()
	sockets := in.socketsOf(r)
	switch {
	case sockets.Serves(r.URL.Path):
		sockets.ServeHTTP(w, r)
	case in.events != nil && r.URL.Path == sse.Path:
		in.events.ServeHTTP(w, r)
	case in.apps != nil && strings.HasPrefix(r.URL.Path, appapi.Path):
		in.apps.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, operatorPaths), isTap(r.URL.EscapedPath()):
		in.rest.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v1/"):
		in.calls.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, in.prefix+"/api/v3/"):
		http.StripPrefix(in.prefix, in.calls).ServeHTTP(w, r)
	case r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/"): // of Centrifugo
		in.calls.ServeHTTP(w, r)
	default:
		in.rest.ServeHTTP(w, r)
	}
}

// socketsOf are the sockets of the host that a request asks for.
func (in *routes) socketsOf(r *http.Request) *websocket.Handler {
	if len(in.byHost) > 0 {
		if own, ok := in.byHost[hostOf(r)]; ok {
			return own
		}
	}
	return in.sockets
}

// operatorPaths belong to the internal address, which in dev mode is the public one.
const operatorPaths = "/api/v1/admin/"

// isTap reports whether a path is that of a tap, which belongs to the internal address as well: the third segment
// behind /api/v1/ is "tap".
func isTap(path string) bool {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	return ok && strings.Count(rest, "/") == 2 && strings.HasSuffix(rest, "/tap")
}

// pathless is a dialect that is spoken nowhere.
type pathless struct{ protocol.Dialect }

// Paths implements protocol.Dialect.
func (pathless) Paths() []string { return nil }
