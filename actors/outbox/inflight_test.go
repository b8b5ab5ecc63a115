package outbox

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestInFlight_FlushesWhenAllTakenFramesAreWrittenAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inFlight
		a, b, c := &Frame{}, &Frame{}, &Frame{}
		f.add([]*Frame{a, b, c})
		f.acked(1)
		frames := f.detach()
		if len(frames) != 2 || frames[0] != b || frames[1] != c {
			t.Fatalf("%d frames are in flight", len(frames))
		}
		f.acked(1)
		if start := time.Now(); f.await() || time.Since(start) != FlushTime {
			t.Error("flushed with one frame in flight")
		}
		if f.acked(1); !f.await() || f.late != 2 {
			t.Errorf("%d were written late", f.late)
		}
		var idle inFlight
		if idle.detach(); !idle.await() {
			t.Error("nothing was in flight, and it did not flush")
		}
	})
}
