package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/console/series"
)

// metrics are those of the node, now and over time.
type metrics struct {
	cfg      *Config
	started  time.Time
	recorder *series.Recorder
	peak     atomic.Int64 // of connections

	mu       sync.Mutex // guards the fields below
	snapshot []byte     // the last one, for all who ask
	taken    time.Time
}

func newMetrics(cfg *Config) *metrics {
	return &metrics{cfg: cfg, started: time.Now(), recorder: series.New()}
}

func (f *metrics) recordUntil(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		f.record(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (f *metrics) record(now time.Time) {
	m := f.cfg.Node.Totals()
	open := 0
	for _, tenant := range f.cfg.Node.Tenants() {
		open += f.cfg.Node.OpenConnections(tenant)
	}
	f.peak.Store(max(f.peak.Load(), int64(open)))
	counters := series.Counters{
		Connections: float64(open), Queued: float64(m.Backlog), Memory: float64(m.Pressure.Used),
		Published: m.Published, Delivered: m.Delivered, Bounds: m.Latency.Bounds, Latency: m.Latency.Counts,
	}
	for _, n := range m.Drops {
		counters.Dropped += n
	}
	for _, n := range m.Missed {
		counters.Missed += n
	}
	f.recorder.Record(now, counters)
}

// snapshotAge is how long a snapshot holds for all who ask.
const snapshotAge = 900 * time.Millisecond

// snapshot is what the node has and has counted at one moment. Durations are in seconds, sizes in bytes.
type snapshot struct {
	Time        int64                      `json:"time"`    // Unix milliseconds
	Started     int64                      `json:"started"` // Unix seconds
	Connections uint64                     `json:"connections"`
	Peak        int64                      `json:"peak"` // since the start
	Topics      int                        `json:"topics"`
	Received    uint64                     `json:"received"` // messages of clients
	Published   uint64                     `json:"published"`
	Delivered   uint64                     `json:"delivered"`
	Duplicates  uint64                     `json:"duplicates"`
	Queued      int64                      `json:"queued"`
	Suspended   int                        `json:"suspended_sessions"`
	Drops       map[protocol.Reason]uint64 `json:"drops"`
	Missed      map[protocol.Reason]uint64 `json:"missed"`
	Restarts    map[string]uint64          `json:"restarts"`
	Dialects    map[string]uint64          `json:"dialects"` // open connections of each
	Memory      memory                     `json:"memory"`
	Sockets     sockets                    `json:"sockets"`
	Ready       ready                      `json:"ready"`
	Storage     string                     `json:"storage"` // why durable topics take nothing; "" if they do
	Stuck       []stuck                    `json:"stuck"`
	Draining    bool                       `json:"draining"`
	Sample      sample                     `json:"sample"` // the newest of the history
}

type memory struct {
	Stage string `json:"stage"`
	Used  int64  `json:"used"`
	Limit int64  `json:"limit"` // 0 if memory is not watched
}

type sockets struct {
	Open        int `json:"open"`
	Limit       int `json:"limit"`
	Descriptors int `json:"descriptors"` // of the process
}

type ready struct {
	OK     bool    `json:"ok"`
	Canary float64 `json:"canary"`
	Error  string  `json:"error"`
}

type stuck struct {
	Actor   string  `json:"actor"`
	Tenant  string  `json:"tenant"`
	Name    string  `json:"name"`
	Message string  `json:"message"`
	Seconds float64 `json:"seconds"`
	Waiting int     `json:"waiting"`
}

type sample struct {
	Time   int64         `json:"time"` // Unix seconds; 0 if there is none yet
	Values series.Sample `json:"values"`
}

func (f *metrics) showSnapshot(w http.ResponseWriter, r *http.Request) error {
	canary, err := f.cfg.Ready(r.Context())
	text, failed := f.sharedSnapshot(time.Now(), readiness(canary, err))
	if failed != nil {
		return failed
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text) // after an error the browser is gone
	return nil
}

func readiness(canary time.Duration, err error) ready {
	if err != nil {
		return ready{Error: protocol.AsRefusal(err).Error()}
	}
	return ready{OK: true, Canary: canary.Seconds()}
}

// sharedSnapshot is the last snapshot if it is fresh, otherwise a new one.
func (f *metrics) sharedSnapshot(now time.Time, canary ready) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.snapshot != nil && now.Sub(f.taken) < snapshotAge {
		return f.snapshot, nil
	}
	s := f.look(now)
	s.Ready = canary
	text, err := json.Marshal(s)
	if err == nil {
		f.snapshot, f.taken = text, now
	}
	return text, err
}

func (f *metrics) look(now time.Time) *snapshot {
	m, h := f.cfg.Node.Metrics(), f.cfg.Node.Health()
	s := &snapshot{
		Time: now.UnixMilli(), Started: f.started.Unix(), Peak: f.peak.Load(), Topics: m.Topics,
		Published: m.Published, Delivered: m.Delivered, Duplicates: m.Duplicates, Queued: m.Backlog,
		Suspended: m.SuspendedSessions, Drops: m.Drops, Missed: m.Missed, Restarts: m.Restarts,
		Dialects: map[string]uint64{}, Draining: f.cfg.Node.Draining(), Stuck: stuckOf(h.Stuck),
		Memory:  memory{m.Pressure.Stage.String(), m.Pressure.Used, m.Pressure.Limit},
		Sockets: sockets{f.cfg.Sockets(), f.cfg.MaxSockets, f.cfg.Descriptors},
	}
	if refusal := h.Storage.Refusal; refusal != nil {
		s.Storage = refusal.Error()
	}
	s.addTenants(&m)
	at, values := f.recorder.Latest()
	if !at.IsZero() {
		s.Sample = sample{at.Unix(), values}
	}
	return s
}

// addTenants sums up what the tenants' connections have.
func (s *snapshot) addTenants(m *actors.Metrics) {
	for _, tenant := range m.Tenants {
		s.Connections += tenant.ActiveConnections
		s.Received += tenant.MessagesReceived
		for name, dialect := range tenant.Dialects {
			s.Dialects[name] += dialect.ActiveConnections
		}
	}
	s.Peak = max(s.Peak, int64(s.Connections))
}

func stuckOf(all []health.Stuck) []stuck {
	found := make([]stuck, 0, len(all))
	for _, one := range all {
		found = append(found, stuck{one.Actor, one.Tenant, one.Name, one.Message, one.For.Seconds(), one.Waiting})
	}
	return found
}

// showHistory answers with the figures of 15 minutes by seconds, or of 24 hours by minutes.
func (f *metrics) showHistory(w http.ResponseWriter, r *http.Request) error {
	which := series.Seconds
	switch r.URL.Query().Get("range") {
	case "seconds":
	case "minutes":
		which = series.Minutes
	default:
		return protocol.Refuse(protocol.Malformed, "range must be seconds or minutes")
	}
	times, columns := f.recorder.Columns(which)
	out := append([]byte(`{"times":[`), joined(times, appendInt)...)
	out = append(out, `],"values":{`...)
	for i, name := range series.Names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(strconv.AppendQuote(out, name), ":["...), joined(columns[i], appendFloat)...)
		out = append(out, ']')
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(out, "}}"...)) // after an error the browser is gone
	return nil
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendFloat(dst []byte, x float32) []byte {
	return strconv.AppendFloat(dst, float64(x), 'g', 5, 32)
}

// joined are numbers with commas between them.
func joined[T any](all []T, one func([]byte, T) []byte) (dst []byte) {
	for i, value := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, value)
	}
	return dst
}
