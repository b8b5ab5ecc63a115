package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func someFigures() actors.Metrics {
	dashboard := stats.Connections{TotalConnections: 5, ActiveConnections: 3, Authenticated: 2, MessagesReceived: 7,
		MessagesSent:  11,
		BytesReceived: 70, BytesSent: 1100, Lifetime: 90 * time.Second}
	return actors.Metrics{
		Tenants: map[string]stats.Tenant{
			"acme":  {Connections: dashboard, Dialects: map[string]stats.Connections{"dashboard": dashboard}},
			"empty": {}},
		Latency: outbox.Histogram{
			Bounds: []float64{0.001, 0.01, 0.1}, Counts: []uint64{5, 3, 0, 2}, Sum: 1.5,
		},
		Sums: stats.Sums{
			Drops:    map[protocol.Reason]uint64{protocol.Slow: 4, protocol.Busy: 1},
			Missed:   map[protocol.Reason]uint64{protocol.PositionLost: 6},
			Restored: 8, Faded: 3,
			Published: 100, Duplicates: 2, Delivered: 900, Restarts: map[string]uint64{"topic": 1},
		},
		SuspendedSessions: 2, SuspendedSessionBytes: 700,
		Stuck: map[string]int{"topic": 0, "user": 0}, Backlog: 4096, Batched: 512, Topics: 12,
		Lifecycles: map[string]stats.Lifecycle{"acme": {Emitted: 9, Lost: map[string]uint64{"topic": 2}}},
	}
}

const wantFigures = `
# HELP parley_actor_restarts_total Actors that were restarted after a panic, by kind of actor.
# TYPE parley_actor_restarts_total counter
parley_actor_restarts_total{actor="topic"} 1
parley_actor_restarts_total{actor="user"} 0
# HELP parley_authenticated_connections Connections that are open and authenticated.
# TYPE parley_authenticated_connections gauge
parley_authenticated_connections{dialect="dashboard",tenant="acme"} 2
# HELP parley_backlog_bytes Bytes that wait for readers in all outboxes together; publishers slow down when it is high.
# TYPE parley_backlog_bytes gauge
parley_backlog_bytes 4096
# HELP parley_batched_bytes Bytes that wait in outboxes for a batch window or for the write delay.
# TYPE parley_batched_bytes gauge
parley_batched_bytes 512
# HELP parley_clients_faded_total Clients that did not come back in time.
# TYPE parley_clients_faded_total counter
parley_clients_faded_total 3
# HELP parley_clients_restored_total Clients that came back to what they had.
# TYPE parley_clients_restored_total counter
parley_clients_restored_total 8
# HELP parley_connection_lifetime_seconds_total Time that all connections were open, summed up; the open ones included.
# TYPE parley_connection_lifetime_seconds_total counter
parley_connection_lifetime_seconds_total{dialect="dashboard",tenant="acme"} 90
# HELP parley_connections Connections that are open.
# TYPE parley_connections gauge
parley_connections{dialect="dashboard",tenant="acme"} 3
# HELP parley_connections_opened_total Connections that were opened.
# TYPE parley_connections_opened_total counter
parley_connections_opened_total{dialect="dashboard",tenant="acme"} 5
# HELP parley_deliveries_total Messages of events that were put into the outbox of a connection.
# TYPE parley_deliveries_total counter
parley_deliveries_total 900
# HELP parley_delivery_latency_seconds Time from the publish of an event to its write to a socket.
# TYPE parley_delivery_latency_seconds histogram
parley_delivery_latency_seconds_bucket{le="0.001"} 5
parley_delivery_latency_seconds_bucket{le="0.01"} 8
parley_delivery_latency_seconds_bucket{le="0.1"} 8
parley_delivery_latency_seconds_bucket{le="+Inf"} 10
parley_delivery_latency_seconds_sum 1.5
parley_delivery_latency_seconds_count 10
# HELP parley_drops_total What was refused or not delivered, by reason.
# TYPE parley_drops_total counter
{DROPS}# HELP parley_events_duplicate_total Publishes whose event id was known and that were answered as before.
# TYPE parley_events_duplicate_total counter
parley_events_duplicate_total 2
# HELP parley_events_published_total Events that were accepted, duplicates not counted.
# TYPE parley_events_published_total counter
parley_events_published_total 100
# HELP parley_lifecycle_events_total Lifecycle events of a tenant that were told to its topic and webhook.
# TYPE parley_lifecycle_events_total counter
parley_lifecycle_events_total{tenant="acme"} 9
# HELP parley_lifecycle_lost_total Lifecycle events that were lost: in the topic, or (mailbox, failure) for everybody.
# TYPE parley_lifecycle_lost_total counter
parley_lifecycle_lost_total{in="topic",tenant="acme"} 2
# HELP parley_lingering_bytes What is kept for them.
# TYPE parley_lingering_bytes gauge
parley_lingering_bytes 700
# HELP parley_lingering_clients Clients whose connection broke and that may come back to what they had.
# TYPE parley_lingering_clients gauge
parley_lingering_clients 2
# HELP parley_logins_total Credentials that were checked, by outcome.
# TYPE parley_logins_total counter
parley_logins_total{outcome="invalid_token"} 3
parley_logins_total{outcome="ok"} 8
# HELP parley_messages_received_total Messages that clients sent.
# TYPE parley_messages_received_total counter
parley_messages_received_total{dialect="dashboard",tenant="acme"} 7
# HELP parley_messages_sent_total Messages that were written to clients.
# TYPE parley_messages_sent_total counter
parley_messages_sent_total{dialect="dashboard",tenant="acme"} 11
# HELP parley_missed_total Events of a broken connection that could not be replayed, by reason; 1 if unknown.
# TYPE parley_missed_total counter
{MISSED}# HELP parley_received_bytes_total Bytes of the messages that clients sent.
# TYPE parley_received_bytes_total counter
parley_received_bytes_total{dialect="dashboard",tenant="acme"} 70
# HELP parley_sent_bytes_total Bytes of the messages that were written to clients.
# TYPE parley_sent_bytes_total counter
parley_sent_bytes_total{dialect="dashboard",tenant="acme"} 1100
# HELP parley_stuck_actors Actors that have been in one message for too long while others wait, by kind of actor.
# TYPE parley_stuck_actors gauge
parley_stuck_actors{actor="topic"} 0
parley_stuck_actors{actor="user"} 0
# HELP parley_topics Topics that exist.
# TYPE parley_topics gauge
parley_topics 12
`

// byReason is a series for each reason of the table, 0 where counts has none.
func byReason(name string, counts map[protocol.Reason]uint64) string {
	var b strings.Builder
	for _, reason := range protocol.Reasons() {
		fmt.Fprintf(&b, "%s{reason=%q} %d\n", name, string(reason), counts[reason])
	}
	return b.String()
}

// R001.83: the outcomes of logins are counted, beside their log. R001.65: connections and messages, by tenant and
// dialect.
func TestMetrics_HaveTheNodesFigures(t *testing.T) {
	e := &engineCollector{figures: someFigures,
		logins: func() map[string]uint64 { return map[string]uint64{"ok": 8, "invalid_token": 3} }}
	want := strings.NewReplacer("{DROPS}", byReason("parley_drops_total", someFigures().Drops),
		"{MISSED}", byReason("parley_missed_total", someFigures().Missed)).Replace(wantFigures)
	if err := testutil.CollectAndCompare(e, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func newMeteredAPI(t *testing.T) *testAPI {
	h := newTestAPI(t, Config{Logins: func() map[string]uint64 { return map[string]uint64{"ok": 8} },
		AuthStats: func() AuthStats {
			return AuthStats{Tickets: 2, Signatures: SignatureStats{Waiting: 3, Checked: 6, Refused: 5,
				Waited: 1500 * time.Millisecond}, Backends: map[string]BackendStats{
				"acme": {Asked: 9, Remembered: 4, Unavailable: 1, Calls: 5, Failures: 1, Open: true}}}
		}, Webhooks: func() map[string]WebhookStats {
			return map[string]WebhookStats{"acme": {Taken: 7, Overflow: 2, End: 1, Batches: 3, Failures: 4, Waiting: 5,
				Failing: true}}
		}})
	h.node.figures = someFigures()
	h.call("POST", publishPath, anything)
	h.call("POST", publishPath, `{`)
	h.call("POST", "/api/v1/batch", `{"publish":[5]}`)
	h.call("GET", "/api/v1/users/7", "")
	h.do(request("GET", "/api/v1/nonsense", ""))
	return h
}

func TestMetrics_AreLintClean(t *testing.T) {
	problems, err := testutil.GatherAndLint(newMeteredAPI(t).counters.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetrics_AreServedInPrometheusText(t *testing.T) {
	h := newMeteredAPI(t)
	a := h.call("GET", "/metrics", "")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(a.body))
	if err != nil || a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Fatal(a.status, a.header, err)
	}
	for _, name := range []string{"parley_delivery_latency_seconds", "parley_drops_total",
		"parley_http_request_duration_seconds", "go_goroutines", "process_open_fds"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for _, line := range []string{
		`parley_http_request_duration_seconds_count{route="POST /api/v1/publish"} 2`,
		`parley_http_request_duration_seconds_count{route="GET /api/v1/users/{user}"} 1`,
		`parley_http_refusals_total{reason="malformed"} 2`,
		`parley_tickets 2`,
		`parley_signature_checks_waiting 3`,
		`parley_signature_checks_total{outcome="checked"} 6`,
		`parley_signature_checks_total{outcome="refused"} 5`,
		`parley_signature_wait_seconds_total 1.5`,
		`parley_introspection_questions_total{answered="by_backend",tenant="acme"} 4`,
		`parley_introspection_calls_total{outcome="failed",tenant="acme"} 1`,
		`parley_introspection_breaker_open{tenant="acme"} 1`,
		`parley_webhook_events_total{tenant="acme"} 7`,
		`parley_webhook_lost_total{reason="overflow",tenant="acme"} 2`,
		`parley_webhook_lost_total{reason="end",tenant="acme"} 1`,
		`parley_webhook_calls_total{outcome="taken",tenant="acme"} 3`,
		`parley_webhook_calls_total{outcome="failed",tenant="acme"} 4`,
		`parley_webhook_waiting_events{tenant="acme"} 5`,
		`parley_webhook_failing{tenant="acme"} 1`,
		`parley_http_refusals_total{reason="not_found"} 2`,
	} {
		if !strings.Contains(a.body, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// Nothing that a client sends becomes a label, so that the number of time series is bounded.
func TestMetrics_ClientsCannotMakeTimeSeries(t *testing.T) {
	h := newMeteredAPI(t)
	series := func() int {
		n := 0
		for line := range strings.SplitSeq(h.call("GET", "/metrics", "").body, "\n") {
			if strings.HasPrefix(line, "parley_") {
				n++
			}
		}
		return n
	}
	h.call("GET", "/api/v1/topics/p/history", "") // a call has its series from its first time on
	series()
	before := series()
	for _, target := range []string{"/api/v1/users/a", "/api/v1/users/b", "/api/v1/users/b%2Fc", "/x/1", "/x/2",
		"/api/v1/topics/q/history"} {
		h.do(request("GET", target, ""))
		h.do(request("M"+strings.ToUpper(target[len(target)-1:]), target, ""))
	}
	if after := series(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestMetrics_ALabelThatIsNotUTF8IsAnErrorAndNotAPanic(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.node.figures = actors.Metrics{Stuck: map[string]int{"\xff": 1}, Topics: 5}
	if a := h.call("GET", "/metrics", ""); a.status != 200 || !strings.Contains(a.body, "parley_topics 5") ||
		!strings.Contains(h.log.String(), "metrics are not complete") {
		t.Errorf("%d\n%s", a.status, h.log)
	}
}

func TestMetrics_AnEmptyNodeHasFigures(t *testing.T) {
	a := newTestAPI(t, Config{}).call("GET", "/metrics", "")
	if !strings.Contains(a.body, "parley_delivery_latency_seconds_count 0\n") {
		t.Error(a.body)
	}
}

// F38: a series with known labels is there before anything is counted, so that its first increase is visible; the
// buckets of a call are there from its first request on.
func TestMetrics_KnownLabelsAreThereFromTheStartAndCallsOnceMade(t *testing.T) {
	h := newTestAPI(t, Config{Dialects: func() []string { return []string{"dashboard", "notify"} }})
	h.node.figures = actors.Metrics{Tenants: map[string]stats.Tenant{"acme": {}}, Stuck: map[string]int{"user": 0}}
	text := h.call("GET", "/metrics", "").body
	for _, want := range []string{
		`parley_connections{dialect="dashboard",tenant="acme"} 0`,
		`parley_connections{dialect="notify",tenant="acme"} 0`,
		`parley_messages_sent_total{dialect="notify",tenant="acme"} 0`, `parley_drops_total{reason="slow"} 0`,
		`parley_missed_total{reason="position_lost"} 0`,
		`parley_http_refusals_total{reason="rate_limited"} 0`, `parley_actor_restarts_total{actor="user"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s at the start", want)
		}
	}
	if strings.Contains(text, "parley_http_request_duration_seconds_bucket") {
		t.Error("there are buckets of calls that nobody made")
	}
	h.call("GET", "/api/v1/users/7", "")
	text = h.call("GET", "/metrics", "").body
	for route, want := range map[string]bool{"GET /api/v1/users/{user}": true, "GET /metrics": true,
		"POST /api/v1/publish": false} {
		if got := strings.Contains(text, `parley_http_request_duration_seconds_count{route="`+route+`"}`); got != want {
			t.Errorf("%s has its series: %v", route, got)
		}
	}
}
