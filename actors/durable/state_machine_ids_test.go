package durable

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/history/suite"
)

// F2, row 8 of cluster.md: an id in its window is recognised even if the time in the entries goes back, as from one
// leader to the next.
func TestStateMachine_AnEntryThatSaysAnEarlierTimeRecognisesTheSameIDs(t *testing.T) {
	s := open(t, t.TempDir(), Config{Partitions: 1})
	room := topic(t, s, "room", keepAll)
	edge := suite.Begin.Add(5 * bucketSpan)
	first := suite.Add(t, room, suite.Event(t, "a", 10), true, edge.Add(time.Second))
	for _, back := range suite.Steps {
		if back > 0 {
			continue
		}
		again := suite.Add(t, room, suite.Event(t, "a", 10), true, edge.Add(back))
		if !again.Duplicate || again.Position != first.Position {
			t.Errorf("%s in front of the edge: %+v, was %+v", -back, again, first)
		}
	}
}

func TestStore_IdsLeaveTheDiskInTime(t *testing.T) {
	s := open(t, t.TempDir(), Config{Partitions: 1})
	h := topic(t, s, "room", keepAll)
	for i := range 100 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin.Add(time.Duration(i)*time.Minute))
	}
	if n := countKeys(t, s, prefixID); n < 60 || n > 80 {
		t.Errorf("%d ids of 100 minutes are held", n)
	}
}
