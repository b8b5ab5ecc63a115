package outbox

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestInFlight_FlushesWhenAllTakenFramesAreWrittenAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr inFlight
		a, b, c := &Frame{}, &Frame{}, &Frame{}
		tr.add([]*Frame{a, b, c})
		tr.acked(1)
		flying := tr.detach()
		if len(flying) != 2 || flying[0] != b || flying[1] != c {
			t.Fatalf("%d frames are flying", len(flying))
		}
		tr.ackedLate(1)
		if start := time.Now(); tr.await() || time.Since(start) != FlushTime {
			t.Error("landed with one in the air")
		}
		if tr.ackedLate(1); !tr.await() || tr.late != 2 {
			t.Errorf("%d landed", tr.late)
		}
		var idle inFlight
		if idle.detach(); !idle.await() {
			t.Error("nothing flew, and it did not land")
		}
	})
}
