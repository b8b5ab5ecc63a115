package shardmap

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A model test against a plain map.
func TestMap_AgreesWithAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	var m Map[string]
	want := map[uint64]string{}
	even := func(value string) bool { return len(value)%2 == 0 }
	for range 3000 {
		number := 1 + rng.Uint64N(60)
		switch rng.IntN(4) {
		case 0:
			m.Delete(number)
			delete(want, number)
		case 1:
			after, count := rng.Uint64N(60), rng.IntN(8)
			lowest := lowestOf(want, after, count, even)
			if got := m.Lowest(after, count, even); !slices.Equal(got, lowest) {
				t.Fatalf("the lowest %d above %d are %q, want %q", count, after, got, lowest)
			}
		default:
			value := "abcdefgh"[:rng.IntN(8)]
			m.Set(number, value)
			want[number] = value
		}
		if m.Get(number) != want[number] {
			t.Fatalf("%d is %q, want %q", number, m.Get(number), want[number])
		}
		if got := maps.Collect(m.All()); !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// lowestOf is Lowest in the plainest way.
func lowestOf(all map[uint64]string, after uint64, count int, fits func(string) bool) (values []string) {
	for _, number := range slices.Sorted(maps.Keys(all)) {
		if number > after && fits(all[number]) && len(values) < count {
			values = append(values, all[number])
		}
	}
	return values
}

func TestMap_AllEndsWhenTheLoopDoes(t *testing.T) {
	var m Map[int]
	for number := range uint64(100) {
		m.Set(number, 1)
	}
	seen := 0
	for range m.All() {
		if seen++; seen == 3 {
			break
		}
	}
	m.Set(1, 2) // no lock is left
	if seen != 3 {
		t.Errorf("%d were seen", seen)
	}
}

func TestMap_ManyUseItAtOnce(t *testing.T) {
	var m Map[uint64]
	var busy sync.WaitGroup
	for worker := range uint64(8) {
		busy.Go(func() {
			for i := range uint64(300) {
				number := worker*1000 + i
				m.Set(number, number)
				for range m.All() {
					break
				}
				if m.Get(number) != number {
					t.Errorf("%d is not there", number)
				}
				if i%2 == 0 {
					m.Delete(number)
				}
			}
		})
	}
	busy.Wait()
	if left := m.Lowest(0, 5000, func(uint64) bool { return true }); len(left) != 8*150 {
		t.Errorf("%d are left", len(left))
	}
}
