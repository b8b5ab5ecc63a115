package feed

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/parley-realtime/parley/protocol"
)

// SystemEvery is how often figures are measured and published. It is also the span over which CPU use is measured.
const SystemEvery = 5 * time.Second

// Machine is one measurement; the three uses are percentages.
type Machine struct {
	CPU, Memory, Disk float64
}

// Measure measures this machine. The CPU use is the mean since the call before. dir is on the disk that counts.
// A figure that cannot be measured here is NaN.
func Measure(ctx context.Context, dir string) Machine {
	m := Machine{CPU: math.NaN(), Memory: math.NaN(), Disk: math.NaN()}
	if used, err := cpu.PercentWithContext(ctx, 0, false); err == nil && len(used) == 1 {
		m.CPU = used[0]
	}
	if memory, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		m.Memory = memory.UsedPercent
	}
	if usage, err := disk.UsageWithContext(ctx, dir); err == nil {
		m.Disk = usage.UsedPercent
	}
	return m
}

// status is the data of a system_status event. A figure that could not be measured is left out.
func (m Machine) status(connections int, now time.Time) []byte {
	metrics := map[string]any{"active_connections": connections}
	for name, value := range map[string]float64{"cpu_usage": m.CPU, "memory_usage": m.Memory, "disk_usage": m.Disk} {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			metrics[name] = math.Round(value*10) / 10
		}
	}
	return encode(map[string]any{"metrics": metrics, "timestamp": stamp(now)})
}

// System publishes system_status to the topic system of each tenant that has connections, until the context ends.
func System(ctx context.Context, to Publisher, dir string, log *slog.Logger) {
	tick := time.NewTicker(SystemEvery)
	defer tick.Stop()
	Measure(ctx, dir) // from here on the CPU's use counts
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			machine := Measure(ctx, dir)
			for _, tenant := range to.Tenants() {
				if active := to.OpenConnections(tenant); active > 0 {
					publish(ctx, to, tenant, protocol.SystemStatus, machine.status(active, now), log)
				}
			}
		}
	}
}

// stamp is a time in ISO 8601, UTC, with Z (R001.39).
func stamp(now time.Time) string { return now.UTC().Format("2006-01-02T15:04:05Z") }

// encode writes JSON of maps, texts and finite numbers, which cannot fail.
func encode(value map[string]any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic("feed: " + err.Error())
	}
	return data
}
