package actors

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTrail_LandsWhenAllThatFlewIsWrittenAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr trail
		a, b, c := &Frame{}, &Frame{}, &Frame{}
		tr.took([]*Frame{a, b, c})
		tr.wrote(1)
		flying := tr.part()
		if len(flying) != 2 || flying[0] != b || flying[1] != c {
			t.Fatalf("%d frames are flying", len(flying))
		}
		tr.wroteLate(1)
		if start := time.Now(); tr.land() || time.Since(start) != landing {
			t.Error("landed with one in the air")
		}
		if tr.wroteLate(1); !tr.land() || tr.late != 2 {
			t.Errorf("%d landed", tr.late)
		}
		var idle trail
		if idle.part(); !idle.land() {
			t.Error("nothing flew, and it did not land")
		}
	})
}
