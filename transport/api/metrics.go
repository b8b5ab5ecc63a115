package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meter is what the API counts itself, and the registry of everything that is counted. The labels are tenant, dialect,
// reason, outcome, actor and route, all of which are small fixed sets: nothing that a client chose becomes a label.
type meter struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	handler  http.Handler
}

func newMeter(figures func() actors.Figures, cfg *Config) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "parley_http_request_duration_seconds",
			Help:    "How long HTTP API requests took, by route; its count is the number of requests.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_http_refusals_total",
			Help: "HTTP API requests, and items of batches, that were answered with an error, by its code.",
		}, []string{"reason"}),
	}
	m.registry.MustRegister(m.requests, m.refusals, &engine{figures: figures, dialects: cfg.Dialects, logins: cfg.Logins},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range protocol.Reasons() {
		m.refusals.WithLabelValues(string(reason))
	}
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: complaints{cfg.Logger}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: 5 * time.Second,
	})
	return m
}

// observer returns the histogram of a route, which exists once the route was called: its buckets are many.
func (m *meter) observer(route string) func() prometheus.Observer {
	return sync.OnceValue(func() prometheus.Observer { return m.requests.WithLabelValues(route) })
}

func (m *meter) refused(why protocol.Reason) { m.refusals.WithLabelValues(string(why)).Inc() }

// metrics does GET /metrics, in Prometheus' text format.
func (a *API) metrics(_ context.Context, x *exchange) error {
	x.sent = true
	a.meter.handler.ServeHTTP(x.w, x.r)
	return nil
}

// complaints lets promhttp log.
type complaints struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (c complaints) Println(v ...any) {
	for _, thing := range v {
		if err, ok := thing.(error); ok {
			c.logger.Error("metrics are not complete", "error", err.Error())
		}
	}
}
