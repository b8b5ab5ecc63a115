package actors

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"testing"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// What does one delivery cost the engine, from Publish to the outbox and out of it again? 160-byte events, one topic,
// 1,000 subscribers whose wires read at once and write nowhere.
func BenchmarkPublish_ToAThousandSubscribers(b *testing.B) {
	for _, subscribers := range []int{1, 1000} {
		b.Run(strconv.Itoa(subscribers), func(b *testing.B) {
			n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
			defer n.Close()
			for i := range subscribers {
				drink(b, n, words, someone(strconv.Itoa(i)), nil, "room")
			}
			data := fmt.Appendf(nil, `{"x":"%0151d"}`, 1)
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: data})
			if err != nil {
				b.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b.ResetTimer()
			for range b.N {
				if _, err := n.Publish(context.Background(), "acme", Target{Topic: "room"}, ev); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			deliveries := float64(b.N) * float64(subscribers)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/deliveries, "ns/delivery")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/deliveries, "allocs/delivery")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "allocs/publish")
		})
	}
}

// What does an idle connection cost the engine, with a user of its own and one subscription to a topic that all share?
// Without the socket: in-memory wires. PARLEY_HEAP names a file for a heap profile.
func BenchmarkIdle_BytesPerConnection(b *testing.B) {
	const connections = 100_000
	for _, c := range []struct {
		name string
		id   func(i int) *protocol.Identity
		open []protocol.Command
		own  bool // each subscribes to a topic of its own
	}{
		{"anonymous", func(int) *protocol.Identity { return &protocol.Identity{} }, nil, false},
		{"user", func(i int) *protocol.Identity { return someone(strconv.Itoa(i)) }, nil, false},
		{"user and subscription", func(i int) *protocol.Identity {
			return someone(strconv.Itoa(i))
		}, []protocol.Command{protocol.Subscribe{Topic: "room"}}, false},
		{"user, subscription and topic", func(i int) *protocol.Identity { return someone(strconv.Itoa(i)) }, nil, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
				before := liveHeap()
				for i := range connections {
					s, open := &sink{}, c.open
					if c.own {
						open = []protocol.Command{protocol.Subscribe{Topic: "room/" + strconv.Itoa(i)}}
						made := &n.tenant("acme").topicsMade
						for i > int(made.Load())+1000 {
							runtime.Gosched() // the tenant's mailbox would be full of new topics
						}
					}
					if _, err := n.Connect(ConnectOptions{Tenant: "acme", Dialect: words, Session: &hand{opened: open},
						Identity: c.id(i), Remote: "192.0.2.1"},
						func(l *Conn) outbox.Transport { s.link = l; return s }); err != nil {
						b.Fatal(err)
					}
				}
				for n.Stats("acme").Authenticated < connections ||
					c.open != nil && subscribersOf(b, n, "room") < connections ||
					c.own && n.tenant("acme").topicsMade.Load() < connections {
					runtime.Gosched()
				}
				per := float64(liveHeap()-before) / connections
				if path := os.Getenv("PARLEY_HEAP"); path != "" {
					writeHeap(b, path)
				}
				b.ReportMetric(per, "B/connection")
				b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
				n.Close()
			}
		})
	}
}

func subscribersOf(b *testing.B, n *Node, name string) int {
	found, _, err := n.Topics(context.Background(), "acme", TopicQuery{Prefix: name})
	if err != nil {
		b.Fatal(err)
	}
	if len(found) == 0 {
		return 0
	}
	return found[0].Subscribers
}

// liveHeap is what lives, after everything else was collected.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what sync.Pools held goes with the second one
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func writeHeap(b *testing.B, path string) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
