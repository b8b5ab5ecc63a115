// Package suite holds the tests that every history.History passes. A store's own test calls [Run].
package suite

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// Begin is the time at which the tests take place.
var Begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Store makes histories for the tests.
type Store struct {
	// New makes an empty history.
	New func(t *testing.T, b history.Bounds) history.History
	// Window is how long the store recognises ids; 0 if it does not.
	Window time.Duration
	// Steps is how many adds and reads are compared with a slice, for each kind of bounds; 0 is 1500.
	Steps int
}

// Run runs the suite.
func Run(t *testing.T, s Store) {
	t.Run("it agrees with a slice that remembers everything", s.agrees)
	t.Run("at all edges either what comes after, or that it is lost", s.edges)
	t.Run("an event is read as it was added", s.readsWhole)
	t.Run("answers come in the order of the adds", s.order)
	t.Run("what is not settled is not read", s.settles)
	t.Run("an id is recognised in its window", s.recognises)
}

// Add adds an event, waits for its outcome and settles it.
func Add(t *testing.T, h history.History, ev *protocol.Event, dedup bool, now time.Time) history.Outcome {
	t.Helper()
	out := wait(t, begin(h, ev, dedup, now))
	h.Settle(out)
	return out
}

// AddMany adds events of so many bytes at once, and waits for and settles all of them, so that a durable store brings
// them to the disk together. Their ids are their numbers, from the number from on. It returns the last outcome.
func AddMany(
	t *testing.T, h history.History, from, count, size int, dedup bool, now time.Time,
) (last history.Outcome) {
	t.Helper()
	answers := make([]chan history.Outcome, count)
	for i := range answers {
		answers[i] = begin(h, Event(t, fmt.Sprint(from+i), size), dedup, now)
	}
	for _, answer := range answers {
		last = wait(t, answer)
		h.Settle(last)
	}
	return last
}

func begin(h history.History, ev *protocol.Event, dedup bool, now time.Time) chan history.Outcome {
	answer := make(chan history.Outcome, 1)
	h.Add(ev, dedup, now, func(o history.Outcome) { answer <- o })
	return answer
}

func wait(t *testing.T, answer chan history.Outcome) history.Outcome {
	t.Helper()
	select {
	case out := <-answer:
		return out
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
		panic("unreachable")
	}
}

// Event makes an event whose data have about so many bytes.
func Event(t testing.TB, id string, size int) *protocol.Event {
	t.Helper()
	data := append([]byte(`{"x":"`), slices.Repeat([]byte{'x'}, size)...)
	ev, err := protocol.NewEvent(protocol.EventInput{
		ID: id, Kind: protocol.JSON, Topic: "room/7", Data: append(data, `"}`...), Time: Begin,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// reliability.md check 31: never a silent gap.
func (s Store) edges(t *testing.T) {
	bounds := history.Bounds{Count: 10, Bytes: 1 << 20, Age: time.Hour}
	empty := s.New(t, bounds)
	if got, err := empty.Read(0, 10, Begin); err != nil || got != nil {
		t.Errorf("an empty history after 0: %v, %v", got, err)
	}
	for _, offset := range []uint64{1, 1 << 63, math.MaxUint64} {
		if _, err := empty.Read(offset, 10, Begin); !errors.Is(err, history.ErrLost) {
			t.Errorf("an empty history knows offset %d: %v", offset, err)
		}
	}
	h := s.New(t, bounds)
	for i := range 25 {
		Add(t, h, Event(t, fmt.Sprint(i), 10), false, Begin)
	}
	for offset, want := range map[uint64]int{
		0: -1, 14: -1, 15: 10, 16: 9, 24: 1, 25: 0, 26: -1,
		math.MaxInt64: -1, math.MaxInt64 + 1: -1, math.MaxUint64: -1, 1<<32 + 15: -1,
	} {
		got, err := h.Read(offset, 100, Begin)
		if (err == nil) != (want >= 0) || err == nil && len(got) != want {
			t.Errorf("after %d: %d entries, %v", offset, len(got), err)
		}
	}
	if got, err := h.Read(15, 0, Begin); err != nil || got != nil {
		t.Errorf("limit 0: %v, %v", got, err)
	}
	if got, _ := h.Read(15, 3, Begin); len(got) != 3 || got[0].Offset != 16 || got[2].Offset != 18 {
		t.Errorf("limit 3: %v", got)
	}
	late := Begin.Add(time.Hour)
	if got, err := h.Read(15, 100, late); err != nil || len(got) != 10 {
		t.Errorf("at its age: %d, %v", len(got), err)
	}
	late = late.Add(1)
	if _, err := h.Read(24, 100, late); !errors.Is(err, history.ErrLost) {
		t.Errorf("a forgotten event is not missed: %v", err)
	}
	if got, err := h.Read(25, 100, late); err != nil || got != nil || h.Position().Offset != 25 {
		t.Errorf("the newest position is forgotten: %v, %v", got, err)
	}
}

func (s Store) readsWhole(t *testing.T) {
	h := s.New(t, history.Bounds{Count: 10, Bytes: 1 << 20})
	data := `{"device_id":7,"telemetry":{"temp":{"value":1},"hum":2}}`
	at := time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	want, err := protocol.NewEvent(protocol.EventInput{
		ID: "é 1", Kind: protocol.Telemetry, Topic: "room/7/below", Key: "k", Time: at, Data: []byte(data),
	})
	if err != nil {
		t.Fatal(err)
	}
	Add(t, h, want, true, Begin)
	entries, err := h.Read(0, 1, Begin)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	got := entries[0].Event
	if got.ID != want.ID || got.Kind != want.Kind || got.Topic != want.Topic || got.Key != want.Key ||
		string(got.Data) != data || len(got.Parts()) != 2 || len(got.Members()) != 2 {
		t.Errorf("%+v", got)
	}
	if got.Time.Format(time.RFC3339Nano) != at.Format(time.RFC3339Nano) {
		t.Errorf("its time is %s, was %s", got.Time, at)
	}
	if p := h.Position(); p.Epoch == "" || p.Offset != 1 {
		t.Errorf("its position is %+v", p)
	}
}

func (s Store) order(t *testing.T) {
	const count = 300
	h := s.New(t, history.Bounds{Count: 1000, Bytes: 1 << 20})
	answers := make(chan history.Outcome, count)
	for i := range count {
		h.Add(Event(t, fmt.Sprint(i), 5), false, Begin, func(o history.Outcome) { answers <- o })
	}
	for i := range count {
		out := wait(t, answers)
		if out.Err != nil || out.Position.Offset != uint64(i)+1 {
			t.Fatalf("answer %d is %+v", i, out)
		}
		h.Settle(out)
	}
	entries, err := h.Read(0, count, Begin)
	if err != nil || len(entries) != count {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, e := range entries {
		if e.Event.ID != fmt.Sprint(i) || e.Offset != uint64(i)+1 {
			t.Fatalf("entry %d is %s at %d", i, e.Event.ID, e.Offset)
		}
	}
}

func (s Store) settles(t *testing.T) {
	if _, inline := s.New(t, history.Bounds{}).(*history.Memory); inline {
		return // all is settled when Add returns
	}
	h := s.New(t, history.Bounds{Count: 10, Bytes: 1 << 20})
	first := wait(t, begin(h, Event(t, "1", 1), false, Begin))
	second := wait(t, begin(h, Event(t, "2", 1), false, Begin))
	if entries, err := h.Read(0, 10, Begin); err != nil || len(entries) != 0 || h.Position().Offset != 0 {
		t.Errorf("before it is settled: %v, %v", entries, err)
	}
	h.Settle(first)
	if entries, err := h.Read(0, 10, Begin); err != nil || len(entries) != 1 || h.Position().Offset != 1 {
		t.Errorf("one is settled: %v, %v", entries, err)
	}
	h.Settle(second)
	if entries, err := h.Read(0, 10, Begin); err != nil || len(entries) != 2 {
		t.Errorf("both are settled: %v, %v", entries, err)
	}
}

// reliability.md check 29: one event, the same answer.
func (s Store) recognises(t *testing.T) {
	h := s.New(t, history.Bounds{Count: 100, Bytes: 1 << 20})
	first := Add(t, h, Event(t, "a", 1), true, Begin)
	again := Add(t, h, Event(t, "a", 1), true, Begin.Add(s.Window))
	if s.Window == 0 {
		if again.Duplicate || again.Position.Offset != 2 {
			t.Errorf("it says that it recognises nothing: %+v", again)
		}
		return
	}
	if !again.Duplicate || again.Position != first.Position || again.Err != nil {
		t.Errorf("at the end of its window: %+v, the first was %+v", again, first)
	}
	var answers []chan history.Outcome
	for range 100 { // at the same time
		answers = append(answers, begin(h, Event(t, "b", 1), true, Begin))
	}
	for i, answer := range answers {
		if out := wait(t, answer); out.Position.Offset != 2 || out.Duplicate != (i > 0) {
			t.Fatalf("answer %d is %+v", i, out)
		} else {
			h.Settle(out)
		}
	}
	if out := Add(t, h, Event(t, "a", 1), false, Begin); out.Duplicate || out.Position.Offset != 3 {
		t.Errorf("an id that nobody gave is recognised: %+v", out)
	}
	if out := Add(t, h, Event(t, "a", 1), true, Begin.Add(s.Window+1)); out.Duplicate || out.Position.Offset != 4 {
		t.Errorf("behind its window: %+v", out)
	}
	if out := Add(t, h, Event(t, "b", 1), true, Begin.Add(time.Hour)); out.Duplicate || out.Position.Offset != 5 {
		t.Errorf("long behind its window: %+v", out)
	}
}
