package api

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/parley-realtime/parley/transport/api/fastpath"
)

// fastCalls are the paths of the calls that the fast path serves.
var fastCalls = []string{"/api/v1/publish", "/api/v1/batch"}

// FastPath makes a listener for server, from one that accepts plain TCP, whose connections take publishes and batches
// past net/http, which costs more than all the rest of a publish ([fastpath]). The handlers are those of [API.Public].
// While the node drains, each answer closes its connection.
func (a *API) FastPath(l net.Listener, server *http.Server) *fastpath.Listener {
	cfg := fastpath.Config{Timeout: a.cfg.RequestTimeout, Draining: a.node.Draining}
	for _, r := range publicRoutes {
		if slices.Contains(fastCalls, r.path) {
			h := &handler{api: a}
			h.add(r)
			cfg.Routes = append(cfg.Routes, fastpath.Route{Path: r.path, Handler: h})
		}
	}
	return fastpath.NewListener(l, server, cfg)
}

// bounded returns a context that ends when a request takes too long. That of a request on the fast path does already;
// that of one by net/http has no deadline.
func (a *API) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, a.cfg.RequestTimeout)
}
