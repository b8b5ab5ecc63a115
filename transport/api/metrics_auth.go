package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// AuthStats are the figures of tickets, revocations, introspection and key sets.
type AuthStats struct {
	// Tickets is how many wait to be used, TicketsLost counts those that were evicted before their time.
	Tickets     int
	TicketsLost uint64
	// Revocations is how many are remembered, RevocationsLost counts those that were evicted before their time, and
	// RevocationsNotKept how often one, or its removal, could not be written to disk.
	Revocations                         int
	RevocationsLost, RevocationsNotKept uint64
	// Signatures are the checks of signatures that public keys made.
	Signatures SignatureStats
	// Backends are the introspection backends, by tenant.
	Backends map[string]BackendStats
	// KeySets are the key sets that are fetched from a URL, by tenant.
	KeySets map[string]KeySetStats
}

// SignatureStats are the figures of the checks of signatures that public keys made.
type SignatureStats struct {
	// Waiting is how many wait now; Checked counts those that began, and Refused those that did not.
	Waiting          int
	Checked, Refused uint64
	// Waited is how long all of them together have waited.
	Waited time.Duration
}

// KeySetStats are the figures of the key sets of a tenant that are fetched from a URL.
type KeySetStats struct {
	// Fetches counts attempts, Failures those that brought no usable key set.
	Fetches, Failures uint64
	// Age is the time since the last successful fetch, or since the start; of several key sets the greatest.
	Age time.Duration
}

// BackendStats are the figures of the backend that introspects the tokens of a tenant.
type BackendStats struct {
	// Asked counts questions, Remembered those that the cache answered, Unavailable those without an answer.
	Asked, Remembered, Unavailable uint64
	// Calls counts requests, Failures those that failed, Rejected those that the open circuit breaker did not let out.
	Calls, Failures, Rejected uint64
	// Open says that the circuit breaker is open, since the backend failed too often.
	Open bool
}

var (
	ticketsNow      = describe("tickets", "Tickets that wait to be used.")
	ticketsLost     = describe("tickets_lost_total", "Tickets that were pushed out before their time.")
	revocationsNow  = describe("revocations", "Revocations that are remembered, also those that hold no more.")
	revocationsLost = describe("revocations_lost_total", "Revocations that were pushed out before their time.")
	notKept         = describe("revocations_not_kept_total",
		"Revocations, or their ends, that could not be written to disk at once.")
	signaturesWaiting = describe("signature_checks_waiting",
		"Signatures of public keys that wait to be checked.")
	signatures = describe("signature_checks_total",
		"Signatures of public keys, by whether they were checked, or refused since too many waited.", "outcome")
	signaturesWaited = describe("signature_wait_seconds_total",
		"How long signatures of public keys have waited to be checked, all together.")
	asked = describe("introspection_questions_total",
		"Questions that a tenant's backend decides, by how they were answered.", "tenant", "answered")
	backendCalls = describe("introspection_calls_total",
		"Requests to a tenant's backend, by outcome.", "tenant", "outcome")
	keySetFetches = describe("jwks_fetches_total",
		"Tries to fetch a tenant's key sets, by outcome.", "tenant", "outcome")
	keySetAge = describe("jwks_age_seconds",
		"Time since a tenant's key set was fetched last, or since the start if it never was.", "tenant")
	breaker = describe("introspection_breaker_open",
		"1 while a tenant's backend is left alone since it failed too often.", "tenant")
)

// authCollector collects AuthStats.
type authCollector struct{ figures func() AuthStats }

// Describe implements prometheus.Collector.
func (authCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		ticketsNow, ticketsLost, revocationsNow, revocationsLost, notKept, asked, backendCalls, breaker, keySetFetches,
		keySetAge, signaturesWaiting, signatures, signaturesWaited,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g authCollector) Collect(out chan<- prometheus.Metric) {
	now := g.figures()
	gauge(out, ticketsNow, float64(now.Tickets))
	count(out, ticketsLost, float64(now.TicketsLost))
	gauge(out, revocationsNow, float64(now.Revocations))
	count(out, revocationsLost, float64(now.RevocationsLost))
	count(out, notKept, float64(now.RevocationsNotKept))
	gauge(out, signaturesWaiting, float64(now.Signatures.Waiting))
	count(out, signatures, float64(now.Signatures.Checked), "checked")
	count(out, signatures, float64(now.Signatures.Refused), "refused")
	count(out, signaturesWaited, now.Signatures.Waited.Seconds())
	for tenant, b := range now.Backends {
		count(out, asked, float64(b.Remembered), tenant, "from_memory")
		count(out, asked, float64(b.Unavailable), tenant, "not_at_all")
		count(out, asked, float64(b.Asked-min(b.Asked, b.Remembered+b.Unavailable)), tenant, "by_backend")
		count(out, backendCalls, float64(b.Calls-min(b.Calls, b.Failures)), tenant, "answered")
		count(out, backendCalls, float64(b.Failures), tenant, "failed")
		count(out, backendCalls, float64(b.Rejected), tenant, "spared")
		open := 0.0
		if b.Open {
			open = 1
		}
		gauge(out, breaker, open, tenant)
	}
	for tenant, set := range now.KeySets {
		count(out, keySetFetches, float64(set.Fetches-min(set.Fetches, set.Failures)), tenant, "fetched")
		count(out, keySetFetches, float64(set.Failures), tenant, "failed")
		gauge(out, keySetAge, set.Age.Seconds(), tenant)
	}
}
