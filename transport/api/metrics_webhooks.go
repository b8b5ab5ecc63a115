package api

import "github.com/prometheus/client_golang/prometheus"

// Webhook tells of a tenant's webhook for lifecycle events, for the metrics.
type WebhookStats struct {
	// Taken counts events that the backend has, Overflow those that the queue had no room for, End those that waited when
	// the webhook ended.
	Taken, Overflow, End uint64
	// Batches counts those that were taken, Failures tries that failed.
	Batches, Failures uint64
	// Waiting is how many events wait; Failing says that the last try failed.
	Waiting int
	Failing bool
}

var (
	webhookEvents  = describe("webhook_events_total", "Lifecycle events that a tenant's webhook took.", "tenant")
	webhookLost    = describe("webhook_lost_total", "Lifecycle events that a tenant's webhook will never get, by why: its queue overflowed, or it ended.", "tenant", "reason")
	webhookCalls   = describe("webhook_calls_total", "Batches that were sent to a tenant's webhook, by outcome.", "tenant", "outcome")
	webhookWaiting = describe("webhook_waiting_events", "Lifecycle events that wait for a tenant's webhook.", "tenant")
	webhookFailing = describe("webhook_failing", "1 while a tenant's webhook does not take what it is sent.", "tenant")
)

// webhooks collects Webhooks.
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
