package api

import "github.com/prometheus/client_golang/prometheus"

// WebhookStats are the figures of a tenant's webhook for lifecycle events.
type WebhookStats struct {
	// Taken counts events that the backend took, Overflow those for which the queue had no room, End those that waited
	// when the webhook stopped.
	Taken, Overflow, End uint64
	// Batches counts batches that the backend took, Failures attempts that failed.
	Batches, Failures uint64
	// Waiting is how many events wait; Failing says that the last attempt failed.
	Waiting int
	Failing bool
}

var (
	webhookEvents = describe("webhook_events_total", "Lifecycle events that a tenant's webhook took.", "tenant")
	webhookLost   = describe("webhook_lost_total",
		"Lifecycle events that a tenant's webhook will never get, by why: its queue overflowed, or it ended.",
		"tenant", "reason")
	webhookCalls = describe("webhook_calls_total",
		"Batches that were sent to a tenant's webhook, by outcome.", "tenant", "outcome")
	webhookWaiting = describe("webhook_waiting_events", "Lifecycle events that wait for a tenant's webhook.", "tenant")
	webhookFailing = describe("webhook_failing", "1 while a tenant's webhook does not take what it is sent.", "tenant")
)

// webhookCollector collects WebhookStats.
type webhookCollector struct {
	figures func() map[string]WebhookStats
}

// Describe implements prometheus.Collector.
func (webhookCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{webhookEvents, webhookLost, webhookCalls, webhookWaiting, webhookFailing} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (w webhookCollector) Collect(out chan<- prometheus.Metric) {
	for tenant, hook := range w.figures() {
		count(out, webhookEvents, float64(hook.Taken), tenant)
		count(out, webhookLost, float64(hook.Overflow), tenant, "overflow")
		count(out, webhookLost, float64(hook.End), tenant, "end")
		count(out, webhookCalls, float64(hook.Batches), tenant, "taken")
		count(out, webhookCalls, float64(hook.Failures), tenant, "failed")
		gauge(out, webhookWaiting, float64(hook.Waiting), tenant)
		failing := 0.0
		if hook.Failing {
			failing = 1
		}
		gauge(out, webhookFailing, failing, tenant)
	}
}
