package actors

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// listeners are links of a dialect that an audience can hold; nothing is ever written to them.
func listeners(count int, dialects ...protocol.Dialect) []*Link {
	all := make([]*Link, count)
	for i := range all {
		all[i] = &Link{number: uint64(i + 1)}
		all[i].post.Store(&census{dialect: dialects[i%len(dialects)]})
	}
	return all
}

// wants is an interest with this key.
func wants(key int) *interest { return &interest{key: fmt.Sprint(key)} }

// check compares an audience with what it should be, by interest key.
func (a *audience) check(t *testing.T, want map[*Link]string) {
	t.Helper()
	if a.count() != len(want) {
		t.Fatalf("%d subscribers, want %d", a.count(), len(want))
	}
	seen := map[groupKey]bool{}
	for number, g := range a.groups {
		if len(g.seats) == 0 || g.number != number || seen[g.key()] {
			t.Fatalf("group %d has %d seats, calls itself %d, there are two of its key: %t", number, len(g.seats), g.number, seen[g.key()])
		}
		seen[g.key()] = true
		for i, s := range g.seats {
			if key, ok := want[s.link]; !ok || key != g.interest.key || s.link.dialect() != g.dialect {
				t.Fatalf("%s sits with those who want %q of %s; it wants %q", s.link.ID(), g.interest.key, g.dialect.Name(), key)
			}
			if at, ok := a.find(s.link); !ok || at.group != g || at.seat != i {
				t.Fatalf("%s sits at %d and is found at %d", s.link.ID(), i, at.seat)
			}
		}
	}
	if a.index != nil && len(a.index.groups) != len(a.groups) {
		t.Fatalf("the index has %d groups of %d", len(a.index.groups), len(a.groups))
	}
}

func TestAudience_HasAnIndexFromNineSubscribersOnAndNoneFromFourOn(t *testing.T) {
	var a audience
	want := map[*Link]string{}
	all := listeners(12, words)
	for i, l := range all {
		a.set(nil, l, wants(i%3), 0)
		want[l] = fmt.Sprint(i % 3)
		a.check(t, want)
		if has := a.index != nil; has != (i+1 >= 9) {
			t.Errorf("with %d subscribers: index %t", i+1, has)
		}
	}
	for i, l := range all {
		a.remove(l)
		a.remove(l) // one that is not in is ignored
		delete(want, l)
		a.check(t, want)
		if left := len(want); (a.index != nil) != (left > 4) {
			t.Errorf("with %d left: index %t", len(all)-i-1, a.index != nil)
		}
	}
	if a.groups != nil {
		t.Error("an empty audience keeps its groups")
	}
}

func TestAudience_HoldsWhoCameAndDidNotLeaveWithTheirLatestInterest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	other := &speech{name: "other"}
	for _, most := range []int{3, 8, 9, 10, 100} {
		var a audience
		want := map[*Link]string{}
		all := listeners(most, words, other)
		for range 2000 {
			l := all[rng.IntN(len(all))]
			switch rng.IntN(20) {
			case 0:
				a.rebuild()
			case 1, 2, 3, 4, 5, 6, 7, 8:
				a.remove(l)
				delete(want, l)
			default:
				it := wants(rng.IntN(6))
				a.set(nil, l, it, 0)
				want[l] = it.key
			}
			a.check(t, want)
			if it := a.interest(l); (it == nil) != (want[l] == "") || it != nil && it.key != want[l] {
				t.Fatalf("the interest of %s is %v, want %q", l.ID(), it, want[l])
			}
		}
	}
}

// Each subscriber with a filter of its own, on one topic: what comes is found without a look at all that are there.
func TestAudience_ThousandsOfDistinctFiltersAreNotSearchedOneByOne(t *testing.T) {
	cost := func(count int) time.Duration {
		best := time.Hour
		for range 5 {
			var a audience
			all := listeners(count, words)
			begin := time.Now()
			for i, l := range all {
				a.set(nil, l, wants(i), 0)
			}
			for _, l := range all {
				a.remove(l)
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	for try := 1; ; try++ { // what else the machine does hits one of both now and then, and not each time
		few, many := cost(1000), cost(16000)
		if many <= 64*few { // 16 times as many would take 256 times as long
			return
		}
		if try == 5 {
			t.Fatalf("1,000 come and go in %s, 16,000 in %s, five times", few, many)
		}
	}
}

func BenchmarkAudience_SubscribersWithDistinctFilters(b *testing.B) {
	for _, count := range []int{8, 1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			all := listeners(count, words)
			b.ReportAllocs()
			for range b.N {
				var a audience
				for i, l := range all {
					a.set(nil, l, wants(i), 0)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/subscriber")
		})
	}
}
