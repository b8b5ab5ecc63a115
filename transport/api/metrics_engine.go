package api

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// engineCollector collects the node's figures: one snapshot for each scrape, and nothing in between. A series whose
// labels are known exists from the start, since nobody sees the first increase of one that appears with it.
type engineCollector struct {
	figures  func() actors.Metrics
	dialects func() []string // the enabled ones, with or without connections
	logins   func() map[string]uint64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("parley_"+name, help, labels, nil)
}

// The metrics of the engine.
var (
	connectionsNow = describe("connections", "Connections that are open.", "tenant", "dialect")
	identifiedNow  = describe("authenticated_connections",
		"Connections that are open and authenticated.", "tenant", "dialect")
	connectionsEver = describe("connections_opened_total", "Connections that were opened.", "tenant", "dialect")
	messagesIn      = describe("messages_received_total", "Messages that clients sent.", "tenant", "dialect")
	messagesOut     = describe("messages_sent_total", "Messages that were written to clients.", "tenant", "dialect")
	bytesIn         = describe("received_bytes_total", "Bytes of the messages that clients sent.", "tenant", "dialect")
	bytesOut        = describe("sent_bytes_total",
		"Bytes of the messages that were written to clients.", "tenant", "dialect")
	lifetime = describe("connection_lifetime_seconds_total",
		"Time that all connections were open, summed up; the open ones included.", "tenant", "dialect")
	published  = describe("events_published_total", "Events that were accepted, duplicates not counted.")
	duplicates = describe("events_duplicate_total",
		"Publishes whose event id was known and that were answered as before.")
	delivered = describe("deliveries_total", "Messages of events that were put into the outbox of a connection.")
	drops     = describe("drops_total", "What was refused or not delivered, by reason.", "reason")
	backlog   = describe("backlog_bytes",
		"Bytes that wait for readers in all outboxes together; publishers slow down when it is high.")
	batched = describe("batched_bytes",
		"Bytes that wait in outboxes for a batch window or for the write delay.")
	topicsNow = describe("topics", "Topics that exist.")
	missed    = describe("missed_total",
		"Events of a broken connection that could not be replayed, by reason; 1 if unknown.", "reason")
	lingering = describe("lingering_clients",
		"Clients whose connection broke and that may come back to what they had.")
	lingeringBytes  = describe("lingering_bytes", "What is kept for them.")
	clientsRestored = describe("clients_restored_total", "Clients that came back to what they had.")
	clientsFaded    = describe("clients_faded_total", "Clients that did not come back in time.")
	restarts        = describe("actor_restarts_total",
		"Actors that were restarted after a panic, by kind of actor.", "actor")
	stuckNow = describe("stuck_actors",
		"Actors that have been in one message for too long while others wait, by kind of actor.", "actor")
	stuckEver   = describe("stuck_actors_total", "Actors that were found stuck, by kind of actor.", "actor")
	memoryStage = describe("memory_stage", "How short memory is: 0 calm, 1 refusing, 2 dropping, 3 closing.")
	memoryUsed  = describe("memory_used_bytes", "Memory in use when it was looked at last.")
	memoryLimit = describe("memory_limit_bytes", "Memory that may be in use; load is shed from 85 % of it on.")
	memoryShed  = describe("memory_shed_total",
		"What was shed for lack of memory: refused connections and publishes, halved histories, dropped frames, "+
			"disconnected readers.", "what")
	lifecycleEvents = describe("lifecycle_events_total",
		"Lifecycle events of a tenant that were told to its topic and webhook.", "tenant")
	lifecycleLost = describe("lifecycle_lost_total",
		"Lifecycle events that were lost: in the topic, or (mailbox, failure) for everybody.", "tenant", "in")
	recorded      = describe("recorder_entries", "Ended connections and refusals that are remembered.", "ring")
	recordedBytes = describe("recorder_bytes", "Memory that they take.", "ring")
	unrecorded    = describe("recorder_evicted_total", "Those that made room for newer ones.", "ring")
	storageFull   = describe("storage_full",
		"1 while durable publishes are refused since the disk has too little room.")
	latency = describe("delivery_latency_seconds",
		"Time from the publish of an event to its write to a socket.")
	loginsEnded = describe("logins_total", "Credentials that were checked, by outcome.", "outcome")
)

var engineDescs = []*prometheus.Desc{
	connectionsNow, identifiedNow, connectionsEver, messagesIn, messagesOut, bytesIn, bytesOut, lifetime, published,
	duplicates, delivered, drops, missed, lingering, lingeringBytes, clientsRestored, clientsFaded, backlog, batched,
	topicsNow, restarts, lifecycleEvents, lifecycleLost, stuckNow, stuckEver, memoryStage, memoryUsed, memoryLimit,
	memoryShed, recorded, recordedBytes, unrecorded, storageFull, latency, loginsEnded,
}

// Describe implements prometheus.Collector.
func (e *engineCollector) Describe(out chan<- *prometheus.Desc) {
	for _, figure := range engineDescs {
		out <- figure
	}
}

// Collect implements prometheus.Collector.
func (e *engineCollector) Collect(out chan<- prometheus.Metric) {
	now := e.figures()
	count(out, published, float64(now.Published))
	count(out, duplicates, float64(now.Duplicates))
	count(out, delivered, float64(now.Delivered))
	gauge(out, backlog, float64(now.Backlog))
	gauge(out, batched, float64(now.Batched))
	gauge(out, topicsNow, float64(now.Topics))
	collectPressure(out, now.Pressure)
	if now.Storage.Open {
		full := 0.0
		if now.Storage.Full {
			full = 1
		}
		gauge(out, storageFull, full)
	}
	for actor, n := range now.Stuck {
		gauge(out, stuckNow, float64(n), actor)
		count(out, restarts, float64(now.Restarts[actor]), actor)
	}
	for actor, n := range now.EverStuck {
		count(out, stuckEver, float64(n), actor)
	}
	for _, reason := range protocol.Reasons() {
		count(out, drops, float64(now.Drops[reason]), string(reason))
		count(out, missed, float64(now.Missed[reason]), string(reason))
	}
	gauge(out, lingering, float64(now.SuspendedSessions))
	gauge(out, lingeringBytes, float64(now.SuspendedSessionBytes))
	count(out, clientsRestored, float64(now.Restored))
	count(out, clientsFaded, float64(now.Faded))
	for _, tenant := range slices.Sorted(maps.Keys(now.Tenants)) {
		e.collectTenant(out, tenant, now.Tenants[tenant])
	}
	for tenant, l := range now.Lifecycles {
		count(out, lifecycleEvents, float64(l.Emitted), tenant)
		for where, n := range l.Lost {
			count(out, lifecycleLost, float64(n), tenant, where)
		}
	}
	collectRecorder(out, now.Recorder)
	collectLatency(out, now.Latency)
	if e.logins == nil {
		return
	}
	for outcome, n := range e.logins() {
		count(out, loginsEnded, float64(n), outcome)
	}
}

func collectRecorder(out chan<- prometheus.Metric, rings map[string]recorder.Metrics) {
	for ring, f := range rings {
		gauge(out, recorded, float64(f.Entries), ring)
		gauge(out, recordedBytes, float64(f.Bytes), ring)
		count(out, unrecorded, float64(f.Evicted), ring)
	}
}

func collectPressure(out chan<- prometheus.Metric, p health.Pressure) {
	if p.Limit == 0 {
		return // memory is not watched
	}
	gauge(out, memoryStage, float64(p.Stage))
	gauge(out, memoryUsed, float64(p.Used))
	gauge(out, memoryLimit, float64(p.Limit))
	for what, n := range map[string]uint64{
		"connections": p.Connections, "publishes": p.Publishes, "histories": p.Histories, "frames": p.Frames,
		"readers": p.Readers,
	} {
		count(out, memoryShed, float64(n), what)
	}
}

func (e *engineCollector) collectTenant(out chan<- prometheus.Metric, tenant string, s stats.Tenant) {
	dialects := map[string]stats.Connections{}
	if e.dialects != nil {
		for _, dialect := range e.dialects() {
			dialects[dialect] = stats.Connections{}
		}
	}
	maps.Copy(dialects, s.Dialects)
	for dialect, d := range dialects {
		gauge(out, connectionsNow, float64(d.ActiveConnections), tenant, dialect)
		gauge(out, identifiedNow, float64(d.Authenticated), tenant, dialect)
		count(out, connectionsEver, float64(d.TotalConnections), tenant, dialect)
		count(out, messagesIn, float64(d.MessagesReceived), tenant, dialect)
		count(out, messagesOut, float64(d.MessagesSent), tenant, dialect)
		count(out, bytesIn, float64(d.BytesReceived), tenant, dialect)
		count(out, bytesOut, float64(d.BytesSent), tenant, dialect)
		count(out, lifetime, d.Lifetime.Seconds(), tenant, dialect)
	}
}

// collectLatency adds the counts up, since each of Prometheus' buckets holds everything below its bound.
func collectLatency(out chan<- prometheus.Metric, h outbox.Histogram) {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var below uint64
	for i, n := range h.Counts {
		below += n
		if i < len(h.Bounds) {
			buckets[h.Bounds[i]] = below
		}
	}
	made, err := prometheus.NewConstHistogram(latency, below, h.Sum, buckets)
	emit(out, latency, made, err)
}

func count(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	made, err := prometheus.NewConstMetric(d, prometheus.CounterValue, value, labels...)
	emit(out, d, made, err)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	made, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, value, labels...)
	emit(out, d, made, err)
}

// emit sends a metric. One that cannot be made, because of a label that is not UTF-8, is an error in the scrape; the
// library's MustNewConstMetric would panic on a goroutine that nothing recovers.
func emit(out chan<- prometheus.Metric, d *prometheus.Desc, made prometheus.Metric, err error) {
	if err != nil {
		made = prometheus.NewInvalidMetric(d, err)
	}
	out <- made
}
