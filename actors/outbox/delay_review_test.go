package outbox

import (
	"testing"
	"testing/synctest"
	"time"
)

// A Delay that is never done, since outboxes come as fast as it serves them, keeps only those that wait, too.
func TestDelay_KeepsOnlyThoseThatWaitWhenItIsNeverDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, d := delayed(time.Millisecond, 1)
		d.active = true // it serves: the timer does not
		var due [serveAtOnce]*Outbox
		for range serveAtOnce {
			d.add(all[0].Outbox)
		}
		for range 1000 {
			time.Sleep(time.Millisecond)
			for range serveAtOnce {
				d.add(all[0].Outbox)
			}
			if n := d.take(due[:]); n != serveAtOnce {
				t.Fatalf("%d are due", n)
			}
		}
		if len(d.queue) > 4*serveAtOnce {
			t.Errorf("%d places for %d that wait", len(d.queue), serveAtOnce)
		}
	})
}
