package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
)

// Acknowledged publishes a second through the front door, each on disk, from so many publishers that wait for their
// answers: with a topic each, and all with one topic. Goals: 5,000 from one, 60,000 from 256.
func BenchmarkDurablePublish(b *testing.B) {
	for _, c := range []struct{ publishers, topics int }{{1, 1}, {16, 16}, {256, 1}, {256, 256}} {
		b.Run(fmt.Sprintf("%d publishers, %d topics", c.publishers, c.topics), func(b *testing.B) {
			benchDurable(b, c.publishers, c.topics)
		})
	}
}

func benchDurable(b *testing.B, publishers, topics int) {
	store, err := durable.Open(b.TempDir(), durable.Config{})
	if err != nil {
		b.Fatal(err)
	}
	n := New(Config{}, nil, TenantConfig{Name: "acme", Rules: policy.Rules{Durable: []string{"orders/*"}}})
	if err := n.UseStore(store); err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	defer n.Close()
	ev := jsonEvent(b, "", 1)
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for p := range publishers {
		all.Go(func() {
			to := Target{Topic: fmt.Sprintf("orders/%d", p%topics)}
			for left.Add(-1) >= 0 {
				if _, err := n.Publish(context.Background(), "acme", to, ev); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
}
