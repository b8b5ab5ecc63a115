package top

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics are the figures of the whole server that it has for Prometheus.
type Metrics struct {
	// Backlog, Memory and MemoryLimit are in bytes; a limit of 0 is none. Drops and Missed are totals of all reasons.
	Backlog, Memory, MemoryLimit, Drops, Missed float64
	// Latency is how long events took from publish to socket: how many took at most so many seconds, by that time.
	Latency map[float64]float64
}

// parseMetrics reads Prometheus' text format, as far as it is about what is shown.
func parseMetrics(text []byte) *Metrics {
	m := &Metrics{Latency: map[float64]float64{}}
	sums := map[string]*float64{"parley_backlog_bytes": &m.Backlog, "parley_memory_used_bytes": &m.Memory,
		"parley_memory_limit_bytes": &m.MemoryLimit, "parley_drops_total": &m.Drops, "parley_missed_total": &m.Missed}
	for line := range strings.Lines(string(text)) {
		series, number, ok := cutLast(strings.TrimSpace(line), " ")
		value, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || strings.HasPrefix(line, "#") {
			continue
		}
		name, labels, _ := strings.Cut(series, "{")
		if sum := sums[name]; sum != nil {
			*sum += value
		}
		if name != "parley_delivery_latency_seconds_bucket" {
			continue
		}
		_, bound, _ := strings.Cut(labels, `le="`)
		bound, _, _ = strings.Cut(bound, `"`)
		if at, err := strconv.ParseFloat(bound, 64); err == nil {
			m.Latency[at] += value
		}
	}
	return m
}

func cutLast(text, at string) (before, after string, ok bool) {
	i := strings.LastIndex(text, at)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(at):], true
}

// quantile is the time in seconds within which a share of the deliveries since an earlier sample came, NaN if there
// were none. It is the upper bound of a bucket, so that it is never too good; the last bucket has no bound but +Inf.
func (m *Metrics) quantile(since *Metrics, share float64) float64 {
	bounds := make([]float64, 0, len(m.Latency))
	for at := range m.Latency {
		bounds = append(bounds, at)
	}
	slices.Sort(bounds)
	total := m.Latency[math.Inf(1)] - since.Latency[math.Inf(1)]
	if total <= 0 {
		return math.NaN()
	}
	for _, at := range bounds {
		if m.Latency[at]-since.Latency[at] >= share*total {
			return at
		}
	}
	return math.Inf(1)
}
