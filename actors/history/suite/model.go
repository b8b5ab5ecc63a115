package suite

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// model keeps all events and computes which would be left.
type model struct {
	bounds history.Bounds
	all    []dated
	gone   int
}

type dated struct {
	event *protocol.Event
	at    time.Time
}

// Overhead is what an event counts against Bounds.Bytes beside its data.
const Overhead = 256

func (m *model) forget(now time.Time) {
	bytes := 0
	for _, d := range m.all[m.gone:] {
		bytes += len(d.event.Data) + Overhead
	}
	b := m.bounds
	for m.gone < len(m.all) && (bytes > b.Bytes || len(m.all)-m.gone > b.Count ||
		b.Age > 0 && now.Sub(m.all[m.gone].at) > b.Age) {
		bytes -= len(m.all[m.gone].event.Data) + Overhead
		m.gone++
	}
}

func (s Store) agrees(t *testing.T) {
	for name, bounds := range map[string]history.Bounds{
		"count": {Count: 7, Bytes: 1 << 20}, "bytes": {Count: 1000, Bytes: 3000},
		"age": {Count: 1000, Bytes: 1 << 20, Age: time.Minute}, "all": {Count: 20, Bytes: 6000, Age: time.Minute},
		"one": {Count: 1, Bytes: 1 << 20}, "nothing": {}, "no bytes": {Count: 10}, "no count": {Bytes: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			h, m, now := s.New(t, bounds), &model{bounds: bounds}, Begin
			for i := range cmp.Or(s.Steps, 1500) {
				if rng.IntN(3) > 0 {
					ev := Event(t, fmt.Sprint(i), rng.IntN(900))
					if rng.IntN(50) == 0 {
						ev = Event(t, "large", 1000+rng.IntN(8000))
					}
					m.all = append(m.all, dated{ev, now})
					out := Add(t, h, ev, false, now)
					if out.Err != nil || out.Position.Offset != uint64(len(m.all)) || out.Duplicate {
						t.Fatalf("step %d: %+v, want offset %d", i, out, len(m.all))
					}
				} else {
					now = now.Add(time.Duration(rng.IntN(20_000)) * time.Millisecond)
				}
				m.forget(now)
				m.compare(t, h, now, uint64(max(0, m.gone-2+rng.IntN(len(m.all)-m.gone+5))), rng.IntN(30))
			}
		})
	}
}

func (m *model) compare(t *testing.T, h history.History, now time.Time, after uint64, limit int) {
	t.Helper()
	p, count := h.Position(), len(m.all)-m.gone
	if p.Offset != uint64(len(m.all)) || h.Oldest(now) != uint64(m.gone) || h.Len(now) != count {
		t.Fatalf("newest %d oldest %d length %d, want %d %d %d",
			p.Offset, h.Oldest(now), h.Len(now), len(m.all), m.gone, count)
	}
	got, err := h.Read(after, limit, now)
	if after < uint64(m.gone) || after > uint64(len(m.all)) {
		if !errors.Is(err, history.ErrLost) {
			t.Fatalf("Read(%d) is %v, remembered are %d to %d", after, err, m.gone+1, len(m.all))
		}
		return
	}
	want := m.all[after:][:min(limit, len(m.all)-int(after))]
	if err != nil || len(got) != len(want) {
		t.Fatalf("Read(%d, %d) has %d and %v, want %d", after, limit, len(got), err, len(want))
	}
	for i := range got {
		if got[i].Event.ID != want[i].event.ID || len(got[i].Event.Data) != len(want[i].event.Data) ||
			got[i].Offset != after+uint64(i)+1 {
			t.Fatalf("entry %d of Read(%d) differs", i, after)
		}
	}
}
