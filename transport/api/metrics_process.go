package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ProcessStats are the figures of the process around the engine.
type ProcessStats struct {
	// LogFull counts log lines that were dropped since the queue was full, LogFailed those that could not be written.
	LogFull, LogFailed uint64
	// Certificate is when the certificate of the public address expires; zero is no certificate.
	Certificate time.Time
}

var (
	logLost = describe("log_lines_lost_total",
		"Lines of the log that nobody can read, by reason: full (its reader was too slow), failed (its stream was "+
			"closed or broken).", "reason")
	certificateExpiry = describe("tls_certificate_expiry_seconds",
		"When the TLS certificate expires, in Unix time; the earliest of its chain.")
)

// processCollector collects ProcessStats.
type processCollector struct{ figures func() ProcessStats }

// Describe implements prometheus.Collector.
func (processCollector) Describe(out chan<- *prometheus.Desc) {
	out <- logLost
	out <- certificateExpiry
}

// Collect implements prometheus.Collector.
func (p processCollector) Collect(out chan<- prometheus.Metric) {
	now := p.figures()
	count(out, logLost, float64(now.LogFull), "full")
	count(out, logLost, float64(now.LogFailed), "failed")
	if !now.Certificate.IsZero() {
		gauge(out, certificateExpiry, float64(now.Certificate.Unix()))
	}
}
