package fanout

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/policy"
)

// ending is a window that notes when its timer rang.
type ending struct {
	*Window
	mu   sync.Mutex
	rang []uint64
}

func newEnding() *ending {
	e := &ending{}
	e.Window = NewWindow(func(number uint64) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.rang = append(e.rang, number)
	})
	return e
}

// wantRang lets time pass, and compares for which windows the timer rang until then.
func (e *ending) wantRang(t *testing.T, after time.Duration, want ...uint64) {
	t.Helper()
	time.Sleep(after)
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.rang, want) {
		t.Errorf("rang %v, want %v", e.rang, want)
	}
}

func TestWindow_OpensWithTheFirstEventAndItsTimerNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, b := newEnding(), &policy.Batch{Window: 50 * time.Millisecond, Count: 64}
		e.Add(b, time.Now())
		e.wantRang(t, 30*time.Millisecond)
		if e.Add(b, time.Now()) {
			t.Error("full with two events")
		}
		e.wantRang(t, 20*time.Millisecond, 0)
		if !e.End(0) || e.Number() != 1 {
			t.Error("the window that rang was not open")
		}
		time.Sleep(time.Minute)
		e.Add(b, time.Now())
		e.wantRang(t, 50*time.Millisecond-1, 0)
		e.wantRang(t, 1, 0, 1)
	})
}

func TestWindow_IsFullWithItsCountAndEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, b := newEnding(), &policy.Batch{Window: time.Second, Count: 3}
		for i, full := range []bool{false, false, true} {
			if e.Add(b, time.Now()) != full {
				t.Errorf("event %d: full is %t", i, !full)
			}
		}
		if !e.End(0) || e.End(0) || e.End(1) {
			t.Error("it ends more or less than once")
		}
		e.wantRang(t, 2*time.Second)
	})
}

// A topic hears events of topics below it, which may have shorter windows.
func TestWindow_EndsForTheEventThatMayWaitLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnding()
		e.Add(&policy.Batch{Window: time.Second, Count: 64}, time.Now())
		e.Add(&policy.Batch{Window: 20 * time.Millisecond, Count: 64}, time.Now())
		e.Add(&policy.Batch{Window: 100 * time.Millisecond, Count: 64}, time.Now())
		e.wantRang(t, 20*time.Millisecond, 0)
		e.wantRang(t, 2*time.Second, 0)
	})
}
