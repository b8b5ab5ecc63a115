package api

import (
	"log"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
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
	clients  http.Handler
	internal http.Handler

	quota      atomic.Pointer[quota]    // replaced by Limit
	upstream   atomic.Pointer[upstream] // replaced by Upstream
	complained atomic.Int64             // when it was logged that the upstream does not answer, Unix nanoseconds
	held       holding
	quiet      *log.Logger // of what is no line of ours
}

// New makes the API of a node.
func New(cfg Config, node Node, keys Keys) *API {
	a := &API{cfg: cfg.withDefaults(), node: node, keys: keys}
	a.canary = newCanary(node.Probe, a.cfg.Logger)
	a.meter = newMeter(node.Figures, &a.cfg)
	if a.cfg.Gate != nil {
		a.meter.registry.MustRegister(gate{a.cfg.Gate})
	}
	if a.cfg.Webhooks != nil {
		a.meter.registry.MustRegister(webhooks{a.cfg.Webhooks})
	}
	if a.cfg.Process != nil {
		a.meter.registry.MustRegister(process{a.cfg.Process})
	}
	a.Limit(cfg.Rate, cfg.Burst)
	a.quiet = slog.NewLogLogger(a.cfg.Logger.Handler(), slog.LevelDebug)
	a.public = a.house(calls)
	a.clients = a.house(slices.DeleteFunc(slices.Clone(calls), func(r route) bool { return !r.who.own() }))
	a.internal = a.house(views)
	return a
}

// Public serves what backends call, with a key, and the few calls of users and outposts with tokens of their own.
func (a *API) Public() http.Handler { return a.public }

// Clients serves the calls of users and outposts alone.
func (a *API) Clients() http.Handler { return a.clients }

// Internal serves /healthz, /readyz, /metrics and /openapi.json, without a key, and operators' calls.
func (a *API) Internal() http.Handler { return a.internal }

// Limit sets the rate of each key anew, as Config.Rate and Config.Burst say. All keys begin with a full burst.
func (a *API) Limit(rate, burst int) { a.quota.Store(newQuota(rate, burst)) }

// house puts routes behind their doors, and says 404 everywhere else.
func (a *API) house(routes []route) http.Handler {
	mux := http.NewServeMux()
	doors, nowhere := map[string]*door{}, &door{api: a, unknown: true}
	for _, r := range routes {
		d := doors[r.path]
		if d == nil {
			d = &door{api: a}
			doors[r.path] = d
			if plain, ok := strings.CutSuffix(r.path, "/"); ok { // without the slash it is the same
				mux.Handle(plain, d)
				mux.Handle(r.path+"{$}", d)
			} else {
				mux.Handle(r.mux(), d)
			}
			if above, ok := strings.CutSuffix(r.path, "/{path}"); ok && r.rest { // the mux would redirect it
				mux.Handle(above, nowhere)
			}
		}
		d.add(r)
	}
	mux.Handle("/", nowhere)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect an unclean path, and a POST that is redirected loses its body.
		p := r.URL.EscapedPath()
		clean := path.Clean(p)
		if r.Method == http.MethodConnect || clean != p && (clean == "/" || clean+"/" != p) {
			nowhere.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
