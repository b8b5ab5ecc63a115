package api

import (
	"testing"
	"time"
)

func TestTimes_AreInUTC(t *testing.T) {
	east := noon.In(time.FixedZone("east", 3600))
	if got := string(appendTime([]byte("{"), "since", east)); got != `{"since":"2026-01-31T12:00:00Z"` {
		t.Error(got)
	}
}
