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

// apiMetrics are the API's own metrics, and the registry of all metrics. The labels are tenant, dialect, reason,
// outcome, actor and route, which are small fixed sets: nothing that a client chose becomes a label.
type apiMetrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	handler  http.Handler
}

func newAPIMetrics(figures func() actors.Metrics, cfg *Config) *apiMetrics {
	m := &apiMetrics{
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
	m.registry.MustRegister(m.requests, m.refusals,
		&engineCollector{figures: figures, dialects: cfg.Dialects, logins: cfg.Logins},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range protocol.Reasons() {
		m.refusals.WithLabelValues(string(reason))
	}
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: promLogger{cfg.Logger}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: 5 * time.Second,
	})
	return m
}

// observer returns a function for the histogram of a route. The histogram exists from the first call of the route on,
// since its buckets are many.
func (m *apiMetrics) observer(route string) func() prometheus.Observer {
	return sync.OnceValue(func() prometheus.Observer { return m.requests.WithLabelValues(route) })
}

func (m *apiMetrics) countRefusal(refusal protocol.Reason) {
	m.refusals.WithLabelValues(string(refusal)).Inc()
}

// metrics does GET /metrics, in Prometheus' text format.
func (a *API) metrics(_ context.Context, rc *requestContext) error {
	rc.written = true
	a.counters.handler.ServeHTTP(rc.w, rc.r)
	return nil
}

// promLogger logs the errors of promhttp.
type promLogger struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (c promLogger) Println(v ...any) {
	for _, thing := range v {
		if err, ok := thing.(error); ok {
			c.logger.Error("metrics are not complete", "error", err.Error())
		}
	}
}
