package top

import (
	"math"
	"time"
)

// Summary are what is shown: those of the server, and the connections and topics with their rates.
type Summary struct {
	At            time.Time `json:"at"`
	Connections   int       `json:"connections"`
	Authenticated int       `json:"authenticated"`
	In            float64   `json:"in_per_second"` // messages
	Out           float64   `json:"out_per_second"`
	BytesIn       float64   `json:"bytes_in_per_second"`
	BytesOut      float64   `json:"bytes_out_per_second"`
	// Server are those of all tenants, nil where the internal address is out of reach.
	Server *ServerSummary `json:"server,omitempty"`
}

// ServerSummary are those of the whole server.
type ServerSummary struct {
	// P99 is the time from publish to socket: 0 if nothing was delivered, -1 if it is beyond all buckets.
	P99         float64 `json:"p99_seconds"`
	Queued      float64 `json:"queued_bytes"`
	Memory      float64 `json:"memory_bytes"`
	MemoryLimit float64 `json:"memory_limit_bytes"` // 0 is none
	Drops       float64 `json:"drops_per_second"`
	EverDropped float64 `json:"drops_total"`
	EverMissed  float64 `json:"missed_total"`
}

// ConnectionRate is a connection with what it hears and says a second.
type ConnectionRate struct {
	Connection
	InRate  float64 `json:"in_per_second"`
	OutRate float64 `json:"out_per_second"`
}

// TopicRate is a topic with its events a second.
type TopicRate struct {
	Topic
	Rate float64 `json:"events_per_second"`
}

// mostTracked bounds the connections, and the topics, of which rates are known.
const mostTracked = 20000

// tracker makes rates of samples. One goroutine owns it.
type tracker struct {
	last        Sample
	connections map[string]*tracked[ConnectionRate]
	topics      map[string]*tracked[TopicRate]
	sweep       [2]int // of connections and of topics
}

// tracked is what is known of one connection or topic, and in which sweep it was seen last.
type tracked[T any] struct {
	is    T
	at    time.Time
	sweep int
}

func newTracker() *tracker {
	return &tracker{connections: map[string]*tracked[ConnectionRate]{}, topics: map[string]*tracked[TopicRate]{}}
}

// add takes a sample and returns the figures since the one before. The first one has no rates.
func (t *tracker) add(s Sample) Summary {
	f := t.tenant(&s)
	if s.Metrics != nil {
		f.Server = t.server(&s)
	}
	for _, c := range s.Connections {
		t.seeConnection(c, s.At)
	}
	for _, topic := range s.Topics {
		t.seeTopic(topic, s.At)
	}
	if s.SweptConnections {
		forget(t.connections, &t.sweep[0])
	}
	if s.SweptTopics {
		forget(t.topics, &t.sweep[1])
	}
	t.last = s
	return f
}

func (t *tracker) tenant(s *Sample) Summary {
	f := Summary{At: s.At, Connections: s.Stats.Active, Authenticated: s.Stats.Authenticated}
	if before := t.last.Stats; !t.last.At.IsZero() {
		took := s.At.Sub(t.last.At)
		f.In, f.Out = rate(before.Received, s.Stats.Received, took), rate(before.Sent, s.Stats.Sent, took)
		f.BytesIn = rate(before.BytesIn, s.Stats.BytesIn, took)
		f.BytesOut = rate(before.BytesOut, s.Stats.BytesOut, took)
	}
	return f
}

func (t *tracker) server(s *Sample) *ServerSummary {
	now, before := s.Metrics, t.last.Metrics
	f := &ServerSummary{Queued: now.Backlog, Memory: now.Memory, MemoryLimit: now.MemoryLimit, EverDropped: now.Drops,
		EverMissed: now.Missed}
	if before == nil {
		return f
	}
	if took := s.At.Sub(t.last.At).Seconds(); took > 0 {
		f.Drops = max(now.Drops-before.Drops, 0) / took
	}
	switch p99 := now.quantile(before, 0.99); {
	case math.IsInf(p99, 1):
		f.P99 = -1
	case !math.IsNaN(p99):
		f.P99 = p99
	}
	return f
}

// rate is how much a counter grew a second; one that began anew counts from nothing.
func rate(before, now uint64, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	if now < before {
		before = 0
	}
	return float64(now-before) / took.Seconds()
}

func (t *tracker) seeConnection(c Connection, at time.Time) {
	known := entry(t.connections, c.ID, t.sweep[0])
	if known == nil {
		return
	}
	if !known.at.IsZero() {
		known.is.InRate = rate(known.is.In, c.In, at.Sub(known.at))
		known.is.OutRate = rate(known.is.Out, c.Out, at.Sub(known.at))
	}
	known.is.Connection, known.at = c, at
}

func (t *tracker) seeTopic(topic Topic, at time.Time) {
	known := entry(t.topics, topic.Name, t.sweep[1])
	if known == nil {
		return
	}
	if known.is.Rate = 0; !known.at.IsZero() && known.is.Epoch == topic.Epoch {
		known.is.Rate = rate(known.is.Offset, topic.Offset, at.Sub(known.at))
	}
	known.is.Topic, known.at = topic, at
}

// entry finds or makes an entry, nil if there is no room.
func entry[T any](in map[string]*tracked[T], name string, sweep int) *tracked[T] {
	known := in[name]
	if known == nil && len(in) < mostTracked {
		known = &tracked[T]{}
		in[name] = known
	}
	if known != nil {
		known.sweep = sweep
	}
	return known
}

// forget ends a sweep: what it has not seen is not there any more.
func forget[T any](in map[string]*tracked[T], sweep *int) {
	for name, known := range in {
		if known.sweep != *sweep {
			delete(in, name)
		}
	}
	*sweep++
}
