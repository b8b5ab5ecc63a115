package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Console serves the pages and what they ask for. Its methods may be called from any goroutine, Record from one.
type Console struct {
	cfg     Config
	gate    *gate
	metrics *metrics
	cables  cables
	mux     *http.ServeMux
}

// New makes a console. It starts no goroutine, and needs no Close.
func New(cfg Config) *Console {
	c := &Console{cfg: cfg, mux: http.NewServeMux()}
	c.gate, c.metrics = newGate(&c.cfg), newMetrics(&c.cfg)
	looks := func(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
		c.mux.Handle(pattern, c.gate.guard(serve))
	}
	c.mux.HandleFunc("GET /console/api/session", c.gate.showSession)
	c.mux.HandleFunc("POST /console/api/session", c.gate.login)
	c.mux.HandleFunc("DELETE /console/api/session", c.gate.logout)
	looks("GET /console/api/snapshot", c.metrics.showSnapshot)
	looks("GET /console/api/history", c.metrics.showHistory)
	looks("GET /console/api/settings", c.showSettings)
	looks("GET /console/api/backends", c.showBackends)
	looks("GET /console/api/rule", c.showRule)
	looks("POST /console/api/words", c.showWords)
	looks("GET /console/api/token", c.showToken)
	if cfg.Dev {
		looks("GET /console/cable/{name}/{path...}", c.cables.plugIn)
		looks("POST /console/api/cable/{name}", c.cables.pull)
	}
	c.mux.HandleFunc("/console/api/t/{tenant}/{path...}", c.call)
	c.mux.HandleFunc("/console/api/admin/{path...}", c.callAdmin)
	c.mux.HandleFunc("/console/api/", func(w http.ResponseWriter, _ *http.Request) {
		respondRefusal(w, protocol.Refuse(protocol.NotFound, "the console has no such call"))
	})
	c.mux.Handle("/console/", newAssets())
	return c
}

// Handler serves the console below /console/, in dev mode also its first page at /, and the rest by another handler.
func (c *Console) Handler(rest http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection().Handler(c.mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/console":
			http.Redirect(w, r, "/console/", http.StatusPermanentRedirect)
		case strings.HasPrefix(path, "/console/"), path == "/" && c.cfg.Dev:
			h := w.Header()
			h.Set("Content-Security-Policy", contentPolicy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-store")
			if path == "/" {
				r = r.Clone(r.Context())
				r.URL.Path = "/console/"
			}
			protected.ServeHTTP(w, r)
		default:
			rest.ServeHTTP(w, r)
		}
	})
}

// Record keeps the history of figures: it looks at the node's totals once a second, until the context ends.
func (c *Console) Record(ctx context.Context) { c.metrics.recordUntil(ctx) }

// respond answers with JSON.
func respond(w http.ResponseWriter, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text) // after an error the browser is gone
	return nil
}

// fail answers with an error. One of the server's own is logged, and the browser gets no detail.
func fail(log *slog.Logger, w http.ResponseWriter, err error) {
	refusal := protocol.AsRefusal(err)
	if refusal.Reason == protocol.Internal {
		log.Error("the console failed", "error", err.Error())
		refusal = &protocol.Refusal{Reason: protocol.Internal}
	}
	respondRefusal(w, refusal)
}

// respondRefusal answers with a refusal in the form of the HTTP API's errors.
func respondRefusal(w http.ResponseWriter, refusal *protocol.Refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Reason.Status())
	text := append([]byte(`{"error":{"code":`), rawjson.AppendText(nil, string(refusal.Reason))...)
	text = append(rawjson.AppendText(append(text, `,"message":`...), refusal.Error()), "}}"...)
	w.Write(text) // after an error the browser is gone
}
