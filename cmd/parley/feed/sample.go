package feed

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// SampleEvery is the beat of the sample feed. Telemetry of one device comes with each beat, the rarer kinds now and
// then.
const SampleEvery = time.Second

// devices is how many devices the sample plant has.
const devices = 3

// plant is the little world of the sample feed: a few devices that warm up, cool down, and sometimes go away.
type plant struct {
	beat    int
	alert   int // number of the last alert
	offline [devices + 1]bool
	random  *rand.Rand
}

// sample is one event of the plant.
type sample struct {
	kind protocol.Kind
	data map[string]any
}

// Sample publishes the sample feed to one tenant until the context ends.
func Sample(ctx context.Context, to Publisher, tenant string, log *slog.Logger) {
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	p := plant{random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, s := range p.next(now) {
				publish(ctx, to, tenant, s.kind, encode(s.data), log)
			}
		}
	}
}

// next is what happens in one beat.
func (p *plant) next(now time.Time) []sample {
	p.beat++
	device := 1 + p.beat%devices
	var all []sample
	if !p.offline[device] {
		all = append(all, p.telemetry(device, now))
	}
	if p.beat%8 == 0 {
		all = append(all, p.alarm(device, now))
	}
	if p.beat%13 == 0 {
		all = append(all, p.status(device, now))
	}
	if p.beat%17 == 0 {
		triggers := []string{"audit", "compliance", "release_gate"}
		all = append(all, sample{protocol.ProjectUpdated,
			map[string]any{"project_name": "my-project", "trigger": triggers[p.beat/17%3]}})
	}
	return all
}

// reading is one metric, its members in the order of the document.
type reading struct {
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Timestamp string  `json:"timestamp"`
}

func (p *plant) telemetry(device int, now time.Time) sample {
	phase := float64(p.beat)/20 + float64(device)
	read := func(middle, swing float64, unit string) reading {
		value := middle + swing*math.Sin(phase) + p.random.NormFloat64()*swing/10
		return reading{math.Round(value*10) / 10, unit, stamp(now)}
	}
	return sample{protocol.Telemetry, map[string]any{
		"device_id": device,
		"telemetry": map[string]any{
			"temperature": read(23, 6, "°C"),
			"humidity":    read(45, 10, "%"),
			"voltage":     read(230, 2, "V"),
		},
	}}
}

func (p *plant) alarm(device int, now time.Time) sample {
	p.alert++
	severity := []string{"info", "warning", "critical"}[p.alert%3]
	actual := 30 + math.Round(p.random.Float64()*50)/10
	return sample{protocol.Alert, map[string]any{
		"alert_id": p.alert, "device_id": device, "severity": severity, "alert_type": "threshold",
		"title":     "High Temperature Alert",
		"message":   fmt.Sprintf("Device %d has %.1f °C; its threshold is 30.0 °C", device, actual),
		"timestamp": stamp(now),
		"metadata":  map[string]any{"threshold_value": 30, "actual_value": actual},
	}}
}

func (p *plant) status(device int, now time.Time) sample {
	before, after, reason := "online", "offline", "Connection lost"
	if p.offline[device] {
		before, after, reason = "offline", "online", "Connection restored"
	}
	p.offline[device] = !p.offline[device]
	return sample{protocol.DeviceStatus, map[string]any{
		"device_id": device, "old_status": before, "new_status": after, "reason": reason, "timestamp": stamp(now),
		"metadata": map[string]any{"last_seen": stamp(now)},
	}}
}
