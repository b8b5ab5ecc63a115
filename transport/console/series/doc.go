// Package series keeps figures over time in a fixed room: one sample a second for 15 minutes, and one a minute for 24
// hours, 100 KB in all. It is a ring for each, as RRDtool has, so that a page can show what was before it was opened,
// without a Prometheus.
//
// A [Recorder] is written by one goroutine, which the owner calls once a second, and read by any. It knows no node: the
// caller gives it counters that only grow, and it makes rates and percentiles of two that follow each other.
package series
