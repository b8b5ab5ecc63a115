package history_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// overhead is what an event counts beside its data.
const overhead = 256

func event(id string, size int) *protocol.Event {
	return &protocol.Event{ID: id, Data: make([]byte, size)}
}

// slice is the model: it keeps all events and computes which would be left.
type slice struct {
	bounds history.Bounds
	all    []retained
	gone   int // how many of all are dropped
}

type retained struct {
	event *protocol.Event
	at    time.Time
}

func (s *slice) Append(ev *protocol.Event, now time.Time) uint64 {
	s.all = append(s.all, retained{ev, now})
	if len(ev.Data)+overhead > s.bounds.Bytes || s.bounds.Count <= 0 {
		s.gone = len(s.all)
	}
	s.forget(now)
	return uint64(len(s.all))
}

func (s *slice) forget(now time.Time) {
	bytes := 0
	for _, r := range s.all[s.gone:] {
		bytes += len(r.event.Data) + overhead
	}
	b := s.bounds
	for s.gone < len(s.all) && (bytes > b.Bytes || len(s.all)-s.gone > b.Count ||
		b.Age > 0 && now.Sub(s.all[s.gone].at) > b.Age) {
		bytes -= len(s.all[s.gone].event.Data) + overhead
		s.gone++
	}
}

func TestMemory_AgreesWithASliceThatRemembersEverything(t *testing.T) {
	for name, bounds := range map[string]history.Bounds{
		"count": {Count: 7, Bytes: 1 << 20}, "bytes": {Count: 1000, Bytes: 3000},
		"age": {Count: 1000, Bytes: 1 << 20, Age: time.Minute}, "all": {Count: 20, Bytes: 6000, Age: time.Minute},
		"one": {Count: 1, Bytes: 1 << 20}, "nothing": {}, "no bytes": {Count: 10}, "no count": {Bytes: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			m, s, now := history.NewMemory(bounds), &slice{bounds: bounds}, begin
			for i := range 5000 {
				if rng.IntN(3) > 0 {
					ev := event(fmt.Sprint(i), rng.IntN(900))
					if rng.IntN(50) == 0 {
						ev = event("large", 1000+rng.IntN(8000))
					}
					if got, want := m.Append(ev, now), s.Append(ev, now); got != want {
						t.Fatalf("offset %d, want %d", got, want)
					}
				} else {
					now = now.Add(time.Duration(rng.IntN(20_000)) * time.Millisecond)
				}
				s.forget(now)
				count := len(s.all) - s.gone
				if m.Newest() != uint64(len(s.all)) || m.Oldest(now) != uint64(s.gone) || m.Len(now) != count {
					t.Fatalf("step %d: newest %d oldest %d length %d, want %d %d %d",
						i, m.Newest(), m.Oldest(now), m.Len(now), len(s.all), s.gone, count)
				}
				after, limit := uint64(max(0, s.gone-2+rng.IntN(len(s.all)-s.gone+5))), rng.IntN(30)
				got, ok := m.After(after, limit, now)
				if want := after >= uint64(s.gone) && after <= uint64(len(s.all)); ok != want {
					t.Fatalf("step %d: After(%d) is %v, remembered are %d to %d", i, after, ok, s.gone+1, len(s.all))
				}
				if !ok {
					continue
				}
				want := s.all[after:][:min(limit, len(s.all)-int(after))]
				if len(got) != len(want) {
					t.Fatalf("step %d: After(%d, %d) has %d, want %d", i, after, limit, len(got), len(want))
				}
				for j := range got {
					if got[j].Event != want[j].event || got[j].Offset != after+uint64(j)+1 {
						t.Fatalf("step %d: entry %d differs", i, j)
					}
				}
			}
		})
	}
}

// reliability.md check 31: at all edges either what comes after, or that it cannot be had.
func TestMemory_AfterAtAllEdges(t *testing.T) {
	empty := history.NewMemory(history.Bounds{Count: 10, Bytes: 1 << 20, Age: time.Hour})
	if got, ok := empty.After(0, 10, begin); !ok || got != nil {
		t.Errorf("an empty history after 0: %v, %v", got, ok)
	}
	for _, offset := range []uint64{1, 1 << 63, math.MaxUint64} {
		if _, ok := empty.After(offset, 10, begin); ok {
			t.Errorf("an empty history knows offset %d", offset)
		}
	}
	m := history.NewMemory(history.Bounds{Count: 10, Bytes: 1 << 20, Age: time.Hour})
	for i := range 25 {
		m.Append(event(fmt.Sprint(i), 10), begin)
	}
	for offset, want := range map[uint64]int{
		0: -1, 14: -1, 15: 10, 16: 9, 24: 1, 25: 0, 26: -1,
		math.MaxInt64: -1, math.MaxInt64 + 1: -1, math.MaxUint64: -1, 1<<32 + 15: -1,
	} {
		got, ok := m.After(offset, 100, begin)
		if ok != (want >= 0) || ok && len(got) != want {
			t.Errorf("after %d: %d entries, %v", offset, len(got), ok)
		}
	}
	if got, ok := m.After(15, 0, begin); !ok || got != nil {
		t.Errorf("limit 0: %v, %v", got, ok)
	}
	if got, _ := m.After(15, 3, begin); len(got) != 3 || got[0].Offset != 16 || got[2].Offset != 18 {
		t.Errorf("limit 3: %v", got)
	}
	late := begin.Add(time.Hour)
	if got, ok := m.After(15, 100, late); !ok || len(got) != 10 {
		t.Errorf("at its age: %d, %v", len(got), ok)
	}
	late = late.Add(1)
	if _, ok := m.After(24, 100, late); ok {
		t.Error("a forgotten event is not missed")
	}
	// The newest offset is never forgotten.
	if got, ok := m.After(25, 100, late); !ok || got != nil || m.Newest() != 25 {
		t.Errorf("the newest position: %v, %v", got, ok)
	}
}

func TestMemory_TakesUpNoRoomUntilAndAfterSomethingIsRemembered(t *testing.T) {
	make1 := func() *history.Memory {
		return history.NewMemory(history.Bounds{Count: 1 << 20, Bytes: 1 << 40, Age: time.Minute})
	}
	if got := testing.AllocsPerRun(100, func() { make1() }); got > 1 {
		t.Errorf("an empty history takes %v allocations", got)
	}
	m := make1()
	for range 1000 {
		m.Append(event("x", 10), begin)
	}
	if m.Len(begin.Add(time.Hour)) != 0 {
		t.Error("something is left")
	}
	got := testing.AllocsPerRun(10, func() {
		m.Append(event("x", 10), begin.Add(2*time.Hour))
		m.Len(begin.Add(24 * time.Hour))
	})
	if got > 4 {
		t.Errorf("%v allocations for an event in a history that had forgotten all", got)
	}
}
