package api

import (
	"net/http"
	"path"
	"sync/atomic"
)

// API answers backends. Everything in it is fixed after New, but for what says so.
type API struct {
	cfg      Config
	node     Node
	keys     Keys
	meter    *meter
	canary   canary
	public   http.Handler
	internal http.Handler

	quota atomic.Pointer[quota] // replaced by Limit
}

// New makes the API of a node.
func New(cfg Config, node Node, keys Keys) *API {
	a := &API{cfg: cfg.withDefaults(), node: node, keys: keys}
	a.canary = newCanary(node.Probe, a.cfg.Logger)
	a.meter = newMeter(node.Figures, a.cfg.Logins, a.cfg.Logger)
	a.Limit(cfg.Rate, cfg.Burst)
	a.public = a.house(calls)
	a.internal = a.house(views)
	return a
}

// Public serves /api/v1/: what backends call, with a key.
func (a *API) Public() http.Handler { return a.public }

// Internal serves /healthz, /readyz, /metrics and /openapi.json, without a key.
func (a *API) Internal() http.Handler { return a.internal }

// Limit sets the rate of each key anew, as Config.Rate and Config.Burst say. All keys begin with a full burst.
func (a *API) Limit(rate, burst int) { a.quota.Store(newQuota(rate, burst)) }

// house puts routes behind their doors, and says 404 everywhere else.
func (a *API) house(routes []route) http.Handler {
	mux := http.NewServeMux()
	doors := map[string]*door{}
	for _, r := range routes {
		d := doors[r.path]
		if d == nil {
			d = &door{api: a}
			doors[r.path] = d
			mux.Handle(r.path, d)
		}
		d.add(r)
	}
	nowhere := &door{api: a, unknown: true}
	mux.Handle("/", nowhere)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect an unclean path, and a POST that is redirected loses its body.
		if p := r.URL.EscapedPath(); r.Method == http.MethodConnect || path.Clean(p) != p {
			nowhere.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
