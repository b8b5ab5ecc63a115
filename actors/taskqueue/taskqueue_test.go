package taskqueue

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func start(task func()) { go task() }

func TestQueue_DoesTasksInOrderOneAtATimeWhileTheActorGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var done []string
		gate := make(chan struct{})
		for i := range 4 {
			if !q.Add(3, start, func() { <-gate; done = append(done, fmt.Sprint(i)) }) {
				t.Fatalf("task %d has no room", i)
			}
			synctest.Wait() // the first has begun, and so does not wait
		}
		if q.Add(3, start, func() { t.Error("a task that has no room is done") }) {
			t.Error("four wait, and there is room for three")
		}
		close(gate)
		synctest.Wait()
		if want := []string{"0", "1", "2", "3"}; !slices.Equal(done, want) {
			t.Errorf("done are %v, want %v", done, want)
		}
		if !q.Add(1, start, func() { done = append(done, "again") }) {
			t.Error("it is empty and takes nothing")
		}
		synctest.Wait()
		if done[len(done)-1] != "again" || q.running || q.tasks != nil {
			t.Errorf("done are %v, running %v, waiting %d", done, q.running, len(q.tasks))
		}
	})
}
