package actors

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// R001.66, F49: how long connections lasted is measured, of those that have ended and of those that live.
func TestFigures_AddUpWhenConnectionsHaveEnded(t *testing.T) {
	other := &speech{name: "other"}
	bubble(t, Config{PingEvery: 24 * time.Hour}, func(n *Node) {
		var all []*client
		for i := range 10 {
			d := words
			if i%2 == 0 {
				d = other
			}
			all = append(all, enter(t, n, d, someone(fmt.Sprint(i))).subscribe(t, "room"))
		}
		for i := range 5 {
			mustPublish(t, n, "room", jsonEvent(t, "", i))
		}
		time.Sleep(10 * time.Second)
		for _, c := range all[:6] {
			c.link.Gone(protocol.Disconnected)
		}
		time.Sleep(5 * time.Second)
		if open, none := n.OpenConnections("acme"), n.OpenConnections("nobody"); open != 4 || none != 0 {
			t.Errorf("%d open connections, %d of no tenant", open, none)
		}
		s := n.Stats("acme")
		want := stats.Connections{TotalConnections: 10, ActiveConnections: 4, Authenticated: 4, MessagesReceived: 10,
			BytesReceived: 10,
			MessagesSent:  50, BytesSent: 50 * 7, Lifetime: 6*10*time.Second + 4*15*time.Second}
		if s.Connections != want {
			t.Errorf("the tenant: %+v, want %+v", s.Connections, want)
		}
		var sum stats.Connections
		for _, d := range s.Dialects {
			sum.Add(d)
		}
		if sum != want || s.Dialects["other"].ActiveConnections != 2 || s.Dialects["words"].TotalConnections != 5 {
			t.Errorf("the dialects: %+v", s.Dialects)
		}
		f := n.Metrics()
		if f.Published != 5 || f.Delivered != 50 || f.Tenants["acme"].Connections != want || f.Topics != 1 ||
			f.Backlog != 0 {
			t.Errorf("%+v", f)
		}
		var counted uint64
		for _, c := range f.Latency.Counts {
			counted += c
		}
		if counted != 50 || len(f.Latency.Counts) != len(f.Latency.Bounds)+1 {
			t.Errorf("%d latencies in %d buckets", counted, len(f.Latency.Counts))
		}
	})
}

func TestFigures_TotalsNeverFallBackWhileConnectionsEnd(t *testing.T) {
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for range 300 {
				c := enter(t, n, words, someone(fmt.Sprint(w)))
				c.do()
				c.link.Gone(protocol.Disconnected)
			}
		})
	}
	checked := make(chan int)
	go func() {
		var last stats.Connections
		for rounds := 0; ; rounds++ {
			s := n.Stats("acme").Connections
			if s.TotalConnections < last.TotalConnections || s.MessagesReceived < last.MessagesReceived ||
				s.BytesReceived < last.BytesReceived || s.Lifetime < last.Lifetime {
				t.Errorf("%+v came after %+v", s, last)
			}
			last = s
			select {
			case <-stop:
				checked <- rounds
				return
			default:
			}
		}
	}()
	wg.Wait()
	close(stop)
	t.Logf("%d looks", <-checked)
	eventually(t, "all links are gone", func() bool { return len(n.allConns()) == 0 })
	if s := n.Stats("acme").Connections; s.TotalConnections != 1200 || s.MessagesReceived != 1200 ||
		s.ActiveConnections != 0 || s.Authenticated != 0 {
		t.Errorf("at the end: %+v", s)
	}
}

func TestFigures_CountWhatWasDroppedByReason(t *testing.T) {
	bubble(t, Config{QueueFrames: 3}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		c.stop(true)
		for i := range 4 {
			mustPublish(t, n, "room", jsonEvent(t, "", i))
		}
		synctest.Wait()
		// One was refused; three and the farewell, which is not refused, waited when the socket ended.
		if drops := n.Metrics().Drops; drops[protocol.Slow] != 1 || drops[protocol.Disconnected] != 4 ||
			len(drops) != 2 {
			t.Errorf("drops %v", drops)
		}
	})
}

func TestFigures_LatencyCountsByPowersOfTwo(t *testing.T) {
	var l outbox.LatencyHistogram
	for i, c := range []struct {
		late   int64
		bucket int
	}{{-5, 0}, {0, 0}, {1, 0}, {1024, 0}, {1025, 1}, {2048, 1}, {2049, 2}, {1 << 35, 25}, {1<<35 + 1, 26},
		{math.MaxInt64 / 2, 26}} {
		before := l.Snapshot()
		l.Observe(uint64(i), 1000, 1000+c.late)
		after := l.Snapshot()
		for b := range after.Counts {
			if grew := after.Counts[b] - before.Counts[b]; (grew == 1) != (b == c.bucket) {
				t.Errorf("%d ns late: bucket %d grew by %d", c.late, b, grew)
			}
		}
		if c.bucket < len(after.Bounds) && float64(c.late)/1e9 > after.Bounds[c.bucket] {
			t.Errorf("%d ns are above the bound %g", c.late, after.Bounds[c.bucket])
		}
	}
}
