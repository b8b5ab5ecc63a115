package durable

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// BenchmarkPublish measures acknowledged publishes a second, each on disk, from so many publishers that wait for their
// answers, each with a topic of its own. Goals: 5,000 from one, 60,000 from 256.
func BenchmarkPublish(b *testing.B) {
	for _, publishers := range []int{1, 16, 256} {
		for _, relaxed := range []bool{false, true} {
			name := fmt.Sprintf("%d publishers, fsync", publishers)
			if relaxed {
				name = fmt.Sprintf("%d publishers, relaxed", publishers)
			}
			b.Run(name, func(b *testing.B) { benchPublish(b, publishers, relaxed, false) })
		}
	}
	b.Run("256 publishers, fsync, ids recognised", func(b *testing.B) { benchPublish(b, 256, false, true) })
}

func benchPublish(b *testing.B, publishers int, relaxed, dedup bool) {
	s := open(b, b.TempDir(), Config{Partitions: 16})
	bounds := history.Bounds{Count: 128, Bytes: 256 << 10, Age: 10 * time.Minute}
	rule := Rule{Bounds: bounds, Dedup: 2 * time.Minute, Relaxed: relaxed}
	took := make([][]time.Duration, publishers)
	var left atomic.Int64
	var all sync.WaitGroup
	left.Store(int64(b.N))
	b.ResetTimer()
	for p := range publishers {
		all.Go(func() {
			h := topic(b, s, fmt.Sprintf("room/%d", p), rule)
			answer := make(chan history.Outcome, 1)
			for i := 0; left.Add(-1) >= 0; i++ {
				ev, start := suite.Event(b, fmt.Sprintf("%d-%d", p, i), 180), time.Now()
				h.Add(ev, dedup, start, func(o history.Outcome) { answer <- o })
				out := <-answer
				if out.Err != nil {
					b.Error(out.Err)
					return
				}
				h.Settle(out)
				took[p] = append(took[p], time.Since(start))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	every := slices.Concat(took...)
	slices.Sort(every)
	b.ReportMetric(float64(len(every))/b.Elapsed().Seconds(), "publishes/s")
	b.ReportMetric(float64(every[len(every)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(every[len(every)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart measures how long a start takes after a kill, with 100,000 events of which the newest are only in the
// log. Goal: 2 s.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Config{Partitions: 16})
	fillStore(b, s, 1000, 100)
	for b.Loop() {
		b.StopTimer()
		copied := b.TempDir()
		if err := os.CopyFS(filepath.Join(copied, "x"), os.DirFS(dir)); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		s := open(b, filepath.Join(copied, "x"), Config{Partitions: 16})
		b.StopTimer()
		closeStore(b, s)
		b.StartTimer()
	}
}

// fillStore publishes so many events to so many topics.
func fillStore(t testing.TB, s *Store, topics, each int) {
	t.Helper()
	var all sync.WaitGroup
	for part := range 64 {
		all.Go(func() {
			for i := part; i < topics; i += 64 {
				h := topic(t, s, fmt.Sprintf("room/%d", i), keepAll)
				answers := make(chan history.Outcome, each)
				for j := range each {
					ev := suite.Event(t, fmt.Sprint(j), 180)
					h.Add(ev, false, suite.Begin, func(o history.Outcome) { answers <- o })
				}
				for range each {
					if out := <-answers; out.Err != nil {
						t.Error(out.Err)
					}
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkRead measures what a reader pays for a page of 100 events.
func BenchmarkRead(b *testing.B) {
	s := open(b, b.TempDir(), Config{Partitions: 16})
	fillStore(b, s, 200, 300)
	h := topic(b, s, "room/7", keepAll)
	b.ResetTimer()
	for b.Loop() {
		if entries, err := h.Read(150, 100, suite.Begin); err != nil || len(entries) != 100 {
			b.Fatal(len(entries), err)
		}
	}
}
