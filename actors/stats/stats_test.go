package stats

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestTotals_CountByReasonAndKind(t *testing.T) {
	totals := NewTotals()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			totals.Delivered.Add(3)
			totals.Dropped(protocol.Slow, 2)
			totals.Missed(protocol.PositionLost, 4)
			totals.Restarted("topic")
		})
	}
	wg.Wait()
	totals.Dropped(protocol.Busy, 0) // nothing was dropped, so the reason is not there
	now := totals.Snapshot()
	if now.Delivered != 30 || !maps.Equal(now.Drops, map[protocol.Reason]uint64{protocol.Slow: 20}) ||
		!maps.Equal(now.Missed, map[protocol.Reason]uint64{protocol.PositionLost: 40}) ||
		!maps.Equal(now.Restarts, map[string]uint64{"topic": 10}) {
		t.Errorf("%+v", now)
	}
}

func TestTotals_ASnapshotStaysAsItIs(t *testing.T) {
	totals := NewTotals()
	totals.Dropped(protocol.Slow, 1)
	before := totals.Snapshot()
	before.Drops[protocol.Stale] += 5 // its owner may add to it
	totals.Dropped(protocol.Slow, 1)
	if now := totals.Snapshot(); before.Drops[protocol.Slow] != 1 || now.Drops[protocol.Slow] != 2 ||
		now.Drops[protocol.Stale] != 0 {
		t.Errorf("before %v, now %v", before.Drops, now.Drops)
	}
}

func TestConnections_Add(t *testing.T) {
	one := Connections{1, 2, 3, 4, 5, 6, 7, time.Second}
	sum := one
	if sum.Add(one); sum != (Connections{2, 4, 6, 8, 10, 12, 14, 2 * time.Second}) {
		t.Errorf("%+v", sum)
	}
}

func TestEvents_LossesAreCountedByCauseAndLoggedOnceAMinute(t *testing.T) {
	var events Events
	events.Emitted.Add(7)
	for i, c := range []struct {
		to    Cause
		at    time.Duration
		toLog uint64
	}{
		{Mailbox, 0, 1},
		{Topic, time.Second, 0},
		{Topic, time.Minute - 1, 0},
		{Failure, time.Minute, 3},
		{Mailbox, 3 * time.Minute, 1},
	} {
		if got := events.Lost(c.to, int64(c.at)); got != c.toLog {
			t.Errorf("loss %d, at %s: %d are to be logged, want %d", i, c.at, got, c.toLog)
		}
	}
	now := events.Snapshot()
	if now.Emitted != 7 || !maps.Equal(now.Lost, map[string]uint64{"mailbox": 2, "topic": 2, "failure": 1}) {
		t.Errorf("%+v", now)
	}
}
