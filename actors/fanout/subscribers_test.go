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

// mute is a dialect that says nothing.
type mute struct {
	protocol.Dialect
	name string
}

func (d *mute) Name() string { return d.name }

var quiet = &mute{name: "words"}

// listeners are outboxes that a topic can deliver to; nothing is ever written to them. The dialects take turns.
func listeners(count int, dialects ...protocol.Dialect) ([]*outbox.Outbox, map[*outbox.Outbox]protocol.Dialect) {
	all, speaks := make([]*outbox.Outbox, count), map[*outbox.Outbox]protocol.Dialect{}
	for i := range all {
		all[i] = &outbox.Outbox{}
		all[i].Init(nil, uint64(i+1))
		speaks[all[i]] = dialects[i%len(dialects)]
	}
	return all, speaks
}

// wants is an interest with this key.
func wants(key int) *Filters { return &Filters{key: fmt.Sprint(key)} }

// check compares an audience with what it should be, by interest key.
func (s *Subscribers) check(t *testing.T, want map[*outbox.Outbox]string, speaks map[*outbox.Outbox]protocol.Dialect) {
	t.Helper()
	if s.Count() != len(want) {
		t.Fatalf("%d subscribers, want %d", s.Count(), len(want))
	}
	seen := map[groupKey]bool{}
	for number, g := range s.groups {
		if len(g.subscribers) == 0 || g.number != number || seen[g.key()] {
			t.Fatalf("group %d has %d seats, calls itself %d, there are two of its key: %t", number, len(g.subscribers), g.number, seen[g.key()])
		}
		seen[g.key()] = true
		for i, sub := range g.subscribers {
			if key, ok := want[sub.outbox]; !ok || key != g.filters.key || speaks[sub.outbox] != g.dialect {
				t.Fatalf("%d sits with those who want %q of %s; it wants %q", sub.outbox.Number(), g.filters.key, g.dialect.Name(), key)
			}
			if at, ok := s.find(sub.outbox); !ok || at.group != g || at.at != i {
				t.Fatalf("%d sits at %d and is found at %d", sub.outbox.Number(), i, at.at)
			}
		}
	}
	if s.index != nil && len(s.index.groups) != len(s.groups) {
		t.Fatalf("the index has %d groups of %d", len(s.index.groups), len(s.groups))
	}
}

func TestSubscribers_HasAnIndexFromNineSubscribersOnAndNoneFromFourOn(t *testing.T) {
	var a Subscribers
	want := map[*outbox.Outbox]string{}
	all, speaks := listeners(12, quiet)
	for i, l := range all {
		a.Set(nil, l, speaks[l], wants(i%3), 0)
		want[l] = fmt.Sprint(i % 3)
		a.check(t, want, speaks)
		if has := a.index != nil; has != (i+1 >= 9) {
			t.Errorf("with %d subscribers: index %t", i+1, has)
		}
	}
	for i, l := range all {
		a.Remove(l)
		a.Remove(l) // one that is not in is ignored
		delete(want, l)
		a.check(t, want, speaks)
		if left := len(want); (a.index != nil) != (left > 4) {
			t.Errorf("with %d left: index %t", len(all)-i-1, a.index != nil)
		}
	}
	if a.groups != nil {
		t.Error("an empty audience keeps its groups")
	}
}

func TestSubscribers_HoldsThoseThatCameAndDidNotLeaveWithTheirLatestFilters(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	other := &mute{name: "other"}
	for _, most := range []int{3, 8, 9, 10, 100} {
		var a Subscribers
		want := map[*outbox.Outbox]string{}
		all, speaks := listeners(most, quiet, other)
		for range 2000 {
			l := all[rng.IntN(len(all))]
			switch rng.IntN(20) {
			case 0:
				a.Rebuild()
			case 1, 2, 3, 4, 5, 6, 7, 8:
				a.Remove(l)
				delete(want, l)
			default:
				it := wants(rng.IntN(6))
				a.Set(nil, l, speaks[l], it, 0)
				want[l] = it.key
			}
			a.check(t, want, speaks)
			if it := a.FiltersOf(l); (it == nil) != (want[l] == "") || it != nil && it.key != want[l] {
				t.Fatalf("the filters of %d is %v, want %q", l.Number(), it, want[l])
			}
		}
	}
}

// Each subscriber with a filter of its own, on one topic: what comes is found without a look at all that are there.
func TestSubscribers_ThousandsOfDistinctFiltersAreNotSearchedOneByOne(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const total = 64_000                    // in each case, since the kernel counts in steps of some milliseconds
	cost := func(count int) time.Duration { // of the processor's time: what else the machine does is no matter
		all, speaks := listeners(count, quiet)
		begin := threadTime()
		for range total / count {
			var a Subscribers
			for i, l := range all {
				a.Set(nil, l, speaks[l], wants(i), 0)
			}
			for _, l := range all {
				a.Remove(l)
			}
		}
		return threadTime() - begin
	}
	few, many := cost(1000), cost(16000)
	if many > 5*few+50*time.Millisecond { // to search them one by one would take 16 times as long
		t.Errorf("as many come and go in %s by 1,000, in %s by 16,000", few, many)
	}
}

// threadTime is the processor time that this thread has had, in the system and outside.
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
			all, speaks := listeners(count, quiet)
			b.ReportAllocs()
			for range b.N {
				var a Subscribers
				for i, l := range all {
					a.Set(nil, l, speaks[l], wants(i), 0)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/subscriber")
		})
	}
}
