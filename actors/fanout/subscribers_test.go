package fanout

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// mute is a dialect that encodes nothing.
type mute struct {
	protocol.Dialect
	name string
}

func (d *mute) Name() string { return d.name }

var quiet = &mute{name: "words"}

// outboxes makes outboxes that a topic can deliver to, and says which dialect each speaks: they take turns. Nothing is
// ever offered to them.
func outboxes(count int, dialects ...protocol.Dialect) ([]*outbox.Outbox, map[*outbox.Outbox]protocol.Dialect) {
	all, speaks := make([]*outbox.Outbox, count), map[*outbox.Outbox]protocol.Dialect{}
	for i := range all {
		all[i] = &outbox.Outbox{}
		all[i].Init(nil, uint64(i+1), false)
		speaks[all[i]] = dialects[i%len(dialects)]
	}
	return all, speaks
}

// filtersOf makes filters with this key.
func filtersOf(key int) *Filters { return &Filters{key: fmt.Sprint(key)} }

// check compares subscribers with what they should be: the key of the filters of each.
func (s *Subscribers) check(t *testing.T, want map[*outbox.Outbox]string, speaks map[*outbox.Outbox]protocol.Dialect) {
	t.Helper()
	if s.Count() != len(want) {
		t.Fatalf("%d subscribers, want %d", s.Count(), len(want))
	}
	seen := map[groupKey]bool{}
	for number, g := range s.groups {
		if len(g.subscribers) == 0 || g.number != number || seen[g.key()] {
			t.Fatalf("group %d has %d subscribers, calls itself %d, there are two of its key: %t",
				number, len(g.subscribers), g.number, seen[g.key()])
		}
		seen[g.key()] = true
		for i, sub := range g.subscribers {
			if key, ok := want[sub.outbox]; !ok || key != g.filters.key || speaks[sub.outbox] != g.dialect {
				t.Fatalf("%d is in the group of %q in %s; it wants %q",
					sub.outbox.Number(), g.filters.key, g.dialect.Name(), key)
			}
			if at, ok := s.find(sub.outbox); !ok || at.group != g || at.at != i {
				t.Fatalf("%d is at %d and is found at %d", sub.outbox.Number(), i, at.at)
			}
		}
	}
	if s.index != nil && len(s.index.groups) != len(s.groups) {
		t.Fatalf("the index has %d groups of %d", len(s.index.groups), len(s.groups))
	}
}

func TestSubscribers_HaveAnIndexFromNineOnAndNoneFromFourDown(t *testing.T) {
	var s Subscribers
	want := map[*outbox.Outbox]string{}
	all, speaks := outboxes(12, quiet)
	for i, o := range all {
		s.Set(nil, o, speaks[o], filtersOf(i%3), 0)
		want[o] = fmt.Sprint(i % 3)
		s.check(t, want, speaks)
		if has := s.index != nil; has != (i+1 >= 9) {
			t.Errorf("with %d subscribers: index %t", i+1, has)
		}
	}
	for i, o := range all {
		s.Remove(o)
		s.Remove(o) // one that is not in is ignored
		delete(want, o)
		s.check(t, want, speaks)
		if left := len(want); (s.index != nil) != (left > 4) {
			t.Errorf("with %d left: index %t", len(all)-i-1, s.index != nil)
		}
	}
	if s.groups != nil {
		t.Error("no subscribers are left, but groups")
	}
}

func TestSubscribers_AreThoseThatCameAndDidNotLeaveWithTheirLatestFilters(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	other := &mute{name: "other"}
	for _, most := range []int{3, 8, 9, 10, 100} {
		var s Subscribers
		want := map[*outbox.Outbox]string{}
		all, speaks := outboxes(most, quiet, other)
		for range 2000 {
			o := all[rng.IntN(len(all))]
			switch rng.IntN(20) {
			case 0:
				s.Rebuild()
			case 1, 2, 3, 4, 5, 6, 7, 8:
				s.Remove(o)
				delete(want, o)
			default:
				f := filtersOf(rng.IntN(6))
				s.Set(nil, o, speaks[o], f, 0)
				want[o] = f.key
			}
			s.check(t, want, speaks)
			if f := s.FiltersOf(o); (f == nil) != (want[o] == "") || f != nil && f.key != want[o] {
				t.Fatalf("the filters of %d are %v, want %q", o.Number(), f, want[o])
			}
		}
	}
}

// Each subscriber has a filter of its own, on one topic: its group is found without a search through all groups.
func TestSubscribers_ThousandsOfDistinctFiltersAreNotSearchedOneByOne(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const total = 64_000                    // in each case, since the kernel counts in steps of some milliseconds
	cost := func(count int) time.Duration { // in processor time, which other load does not change
		all, speaks := outboxes(count, quiet)
		begin := threadTime()
		for range total / count {
			var s Subscribers
			for i, o := range all {
				s.Set(nil, o, speaks[o], filtersOf(i), 0)
			}
			for _, o := range all {
				s.Remove(o)
			}
		}
		return threadTime() - begin
	}
	few, many := cost(1000), cost(16000)
	if many > 5*few+50*time.Millisecond { // to search them one by one would take 16 times as long
		t.Errorf("as many come and go in %s by 1,000, in %s by 16,000", few, many)
	}
}

// threadTime returns the processor time that this thread has used, in the kernel and outside.
func threadTime() time.Duration {
	var usage syscall.Rusage
	const thisThread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thisThread, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkSubscribers_SubscribersWithDistinctFilters(b *testing.B) {
	for _, count := range []int{8, 1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			all, speaks := outboxes(count, quiet)
			b.ReportAllocs()
			for range b.N {
				var s Subscribers
				for i, o := range all {
					s.Set(nil, o, speaks[o], filtersOf(i), 0)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/subscriber")
		})
	}
}
