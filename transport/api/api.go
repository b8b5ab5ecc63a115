package api

import (
	"log"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// API answers the HTTP calls of backends, users, outposts and operators. Its fields are fixed after New, but for those
// that say otherwise. Its methods may be called from any goroutine.
type API struct {
	cfg      Config
	node     Node
	keys     Keys
	counters *apiMetrics
	canary   canary
	public   http.Handler
	clients  http.Handler
	internal http.Handler

	quota          atomic.Pointer[quota]    // replaced by Limit; nil bounds nothing
	upstream       atomic.Pointer[upstream] // replaced by Upstream; nil is none
	upstreamLogged atomic.Int64             // when the log last had that it fails, Unix nanoseconds
	delayed        delayedResponses
	profiling      sync.Mutex  // held while a profile that lasts is taken
	errorLog       *log.Logger // of libraries, at debug level
}

// New makes the API of a node. It starts no goroutine, and needs no Close.
func New(cfg Config, node Node, keys Keys) *API {
	a := &API{cfg: cfg.withDefaults(), node: node, keys: keys}
	a.canary = newCanary(node.Probe, a.cfg.Logger)
	a.counters = newAPIMetrics(node.Metrics, &a.cfg)
	if a.cfg.AuthStats != nil {
		a.counters.registry.MustRegister(authCollector{a.cfg.AuthStats})
	}
	if a.cfg.Webhooks != nil {
		a.counters.registry.MustRegister(webhookCollector{a.cfg.Webhooks})
	}
	if a.cfg.Process != nil {
		a.counters.registry.MustRegister(processCollector{a.cfg.Process})
	}
	a.Limit(cfg.Rate, cfg.Burst)
	a.errorLog = slog.NewLogLogger(a.cfg.Logger.Handler(), slog.LevelDebug)
	a.public = a.mux(publicRoutes)
	a.clients = a.mux(slices.DeleteFunc(slices.Clone(publicRoutes), func(r route) bool {
		return !r.principal.hasOwnToken()
	}))
	a.internal = a.mux(internalRoutes)
	return a
}

// Public serves the calls of backends, which show an API key, and those of users and outposts, which show a token of
// their own.
func (a *API) Public() http.Handler { return a.public }

// Clients serves the calls of users and outposts alone.
func (a *API) Clients() http.Handler { return a.clients }

// Internal serves /healthz, /readyz, /metrics and /openapi.json, without a key, and operators' calls.
func (a *API) Internal() http.Handler { return a.internal }

// Limit replaces the limit of each key: rate requests a second with bursts of burst, as Config.Rate and Config.Burst
// say. All keys begin with a full burst.
func (a *API) Limit(rate, burst int) { a.quota.Store(newQuota(rate, burst)) }

// mux serves routes, and answers 404 everywhere else.
func (a *API) mux(routes []route) http.Handler {
	mux := http.NewServeMux()
	handlers, notFound := map[string]*handler{}, &handler{api: a, notFound: true}
	for _, r := range routes {
		h := handlers[r.path]
		if h == nil {
			h = &handler{api: a}
			handlers[r.path] = h
			if plain, ok := strings.CutSuffix(r.path, "/"); ok { // without the slash it is the same
				mux.Handle(plain, h)
				mux.Handle(r.path+"{$}", h)
			} else {
				mux.Handle(r.muxPattern(), h)
			}
			if above, ok := strings.CutSuffix(r.path, "/{path}"); ok && r.anySuffix { // ServeMux would redirect it
				mux.Handle(above, notFound)
			}
		}
		h.add(r)
	}
	mux.Handle("/", notFound)
	mux.Handle("/api/v1", notFound) // it is none of Centrifugo's calls
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect an unclean path, and a POST that is redirected loses its body.
		p := r.URL.EscapedPath()
		clean := path.Clean(p)
		if r.Method == http.MethodConnect || clean != p && (clean == "/" || clean+"/" != p) {
			notFound.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
