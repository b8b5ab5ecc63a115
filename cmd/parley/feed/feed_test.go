package feed

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
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
	at          []time.Time    // of each
	connections map[string]int // by tenant
}

func (n *notes) Publish(_ context.Context, _ string, to actors.Target, ev *protocol.Event) (actors.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events, n.at = append(n.events, ev.At(to.Topic)), append(n.at, time.Now())
	return actors.Receipt{}, nil
}

func (n *notes) OpenConnections(tenant string) int { return n.connections[tenant] }

func (n *notes) Tenants() []string { return []string{"busy", "idle"} }

// R001.37, R001.38, R001.39, F49: the figures are measured, the connections counted, and only who has connections is
// told, every five seconds.
func TestSystem_MeasuresAndTellsTenantsThatHaveConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, began := &notes{connections: map[string]int{"busy": 15}}, time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			System(ctx, n, t.TempDir(), slog.New(slog.DiscardHandler))
		}()
		time.Sleep(11 * time.Second) // of the bubble's time
		cancel()
		<-done
		if len(n.events) != 2 || n.at[0].Sub(began) != 5*time.Second || n.at[1].Sub(began) != 10*time.Second {
			t.Fatalf("%d events of one tenant in 11 s, at %v", len(n.events), n.at)
		}
		var metrics map[string]float64
		if err := json.Unmarshal(n.events[1].Member("metrics"), &metrics); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"cpu_usage", "memory_usage", "disk_usage"} {
			if value, ok := metrics[name]; !ok && runtime.GOOS == "linux" || value < 0 || value > 100 {
				t.Errorf("%s is %v, no percentage", name, metrics[name])
			}
		}
		if metrics["active_connections"] != 15 || metrics["memory_usage"] == 0 || n.events[0].Topic != "system" {
			t.Errorf("metrics %v to %q", metrics, n.events[0].Topic)
		}
		if stamp := n.events[0].Text("timestamp"); len(stamp) != len("2024-01-01T12:00:00Z") ||
			stamp[len(stamp)-1] != 'Z' {
			t.Errorf("timestamp %q", stamp)
		}
	})
}

// R001.37, R001.38: each figure stands under its own name, as a percentage; one that could not be measured is left out.
func TestMachine_SaysWhatWasMeasuredAndNothingElse(t *testing.T) {
	noon := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for want, m := range map[string]Machine{
		`"active_connections":15,"cpu_usage":12.3,"disk_usage":78.9,"memory_usage":45.6`: {CPU: 12.34, Memory: 45.6,
			Disk: 78.9},
		`"active_connections":15,"memory_usage":45.6`: {CPU: math.NaN(), Memory: 45.6, Disk: math.Inf(1)},
	} {
		if got := string(m.status(15, noon)); got != `{"metrics":{`+want+`},"timestamp":"2024-01-01T12:00:00Z"}` {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSample_TellsOfThreeDevicesInValidEventsOfAllKinds(t *testing.T) {
	p := plant{random: rand.New(rand.NewPCG(1, 2))}
	topics := map[string]int{}
	for range 200 {
		for _, s := range p.next(time.Now()) {
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: s.kind, Data: encode(s.data)})
			if err != nil {
				t.Fatalf("%s: %v", s.kind, err)
			}
			topics[ev.HomeTopic()]++
		}
	}
	for _, topic := range []string{"telemetry/1", "telemetry/2", "telemetry/3", "alerts/1", "alerts/2", "alerts/3",
		"devices/1", "devices/2", "devices/3", "projects/my-project"} {
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
