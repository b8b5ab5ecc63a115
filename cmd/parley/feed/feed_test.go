package feed

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// notes is a Publisher that writes down what it is given.
type notes struct {
	mu          sync.Mutex
	events      []*protocol.Event
	connections map[string]uint64 // by tenant
}

func (n *notes) Publish(_ context.Context, _ string, to actors.Target, ev *protocol.Event) (actors.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, ev.At(to.Topic))
	return actors.Receipt{}, nil
}

func (n *notes) Stats(tenant string) actors.Stats {
	return actors.Stats{DialectStats: actors.DialectStats{ActiveConnections: n.connections[tenant]}}
}

func (n *notes) Tenants() []string { return []string{"busy", "idle"} }

// R001.36, R001.37, R001.38, R001.39: the figures are measured, the connections counted, and only who has connections is told.
func TestSystem_MeasuresAndTellsTenantsThatHaveConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{connections: map[string]uint64{"busy": 15}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			System(ctx, n, t.TempDir(), slog.New(slog.DiscardHandler))
		}()
		time.Sleep(2*SystemEvery + time.Second) // of the bubble's time
		cancel()
		<-done
		if len(n.events) != 2 {
			t.Fatalf("%d events in two intervals of one tenant", len(n.events))
		}
		var metrics map[string]float64
		if err := json.Unmarshal(n.events[1].Member("metrics"), &metrics); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"cpu_usage", "memory_usage", "disk_usage"} {
			if value, ok := metrics[name]; ok && (value < 0 || value > 100) {
				t.Errorf("%s is %v, no percentage", name, value)
			}
		}
		if metrics["active_connections"] != 15 || metrics["memory_usage"] == 0 || n.events[0].Topic != "system" {
			t.Errorf("metrics %v to %q", metrics, n.events[0].Topic)
		}
		if stamp := n.events[0].Text("timestamp"); len(stamp) != len("2024-01-01T12:00:00Z") || stamp[len(stamp)-1] != 'Z' {
			t.Errorf("timestamp %q", stamp)
		}
	})
}

func TestSample_TellsOfThreeDevicesInValidEventsOfAllKinds(t *testing.T) {
	p := plant{random: rand.New(rand.NewPCG(1, 2))}
	topics := map[string]int{}
	for range 200 {
		for _, s := range p.next(time.Now()) {
			ev, err := protocol.NewEvent(protocol.Draft{Kind: s.kind, Data: encode(s.data)})
			if err != nil {
				t.Fatalf("%s: %v", s.kind, err)
			}
			topics[ev.HomeTopic()]++
		}
	}
	for _, topic := range []string{"telemetry/1", "telemetry/2", "telemetry/3", "alerts/1", "alerts/2", "alerts/3", "devices/1", "devices/2", "devices/3", "projects/my-project"} {
		if topics[topic] == 0 {
			t.Errorf("nothing was said in %s: %v", topic, topics)
		}
	}
}

func TestSample_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*SampleEvery+SampleEvery/2)
		defer cancel()
		Sample(ctx, n, "dev", slog.New(slog.DiscardHandler))
		if len(n.events) < 10 {
			t.Errorf("%d events in ten beats", len(n.events))
		}
	})
}
