package actors

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/resume"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

func TestSessionResume_EventsThatCannotBeReplayedAreCounted(t *testing.T) {
	t.Run("trimmed", func(t *testing.T) {
		bubble(t, Config{Linger: time.Minute, HistoryCount: 3}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			publishNumbers(t, n, "room", 1, 10)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(8, 10)...)
			again.wantBack(t, 1, 3, 7)
			if f := n.Metrics(); f.Missed[protocol.PositionLost] != 7 {
				t.Errorf("missed %v", f.Missed)
			}
		})
	})
	t.Run("another epoch", func(t *testing.T) {
		bubble(t, Config{Linger: time.Hour, TopicIdle: time.Minute}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			time.Sleep(10 * time.Minute)
			publishNumbers(t, n, "room", 1, 2)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(1, 2)...)
			again.wantBack(t, 1, 2, 2) // of the topic of all, too, nobody knows
		})
	})
	t.Run("no room", func(t *testing.T) {
		bubble(t, Config{Linger: time.Minute, QueueFrames: 4}, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room").lose()
			publishNumbers(t, n, "room", 1, 10)
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, countedUp(7, 10)...)
			again.wantBack(t, 1, 4, 6)
		})
	})
	t.Run("to the user and to all", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			enter(t, n, words, someone("ann")).lose()
			for i, to := range []Target{{Users: []string{"ann"}}, {All: true}, {All: true}} {
				if r, err := n.Publish(context.Background(), "acme", to, jsonEvent(t, "", i)); err != nil ||
					r.Delivered != 0 {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			again := enter(t, n, words, someone("ann"))
			synctest.Wait()
			again.wantHeard(t, `{"n":0}`)
			again.wantBack(t, 0, 1, 2)
		})
	})
	t.Run("no right any more", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			enter(t, n, words, someone("ann")).subscribe(t, "room", "hall").lose()
			publishNumbers(t, n, "room", 1, 1)
			publishNumbers(t, n, "hall", 2, 2)
			again := enter(t, n, words, &protocol.Identity{User: "ann", Topics: []protocol.Pattern{"hall"}})
			synctest.Wait()
			again.wantHeard(t, countedUp(2, 2)...)
			again.wantBack(t, 1, 1, 1)
			if f := n.Metrics(); f.Missed[protocol.Forbidden] != 1 {
				t.Errorf("missed %v", f.Missed)
			}
		})
	})
	t.Run("a large session", func(t *testing.T) {
		bubble(t, lingering, func(n *Node) {
			long := &speech{name: "long", encode: func(ev *protocol.Event, _ protocol.Projection) []byte {
				return append([]byte(strings.Repeat("x", 100<<10)), ev.Data...)
			}}
			c := enter(t, n, long, someone("ann")).subscribe(t, "room")
			c.stop(true)
			publishNumbers(t, n, "room", 1, 5)
			c.lose()
			if f := n.Metrics(); f.SuspendedSessionBytes > resume.MaxSession {
				t.Errorf("a session of %d bytes", f.SuspendedSessionBytes)
			}
			again := enter(t, n, long, someone("ann"))
			synctest.Wait()
			again.wantBack(t, 1, 2, 3)
		})
	})
}

func TestSessionResume_EventsThatAreNeverRestoredCountAsMissedOnce(t *testing.T) {
	totals := stats.NewTotals()
	g := resume.NewClient("tab")
	g.Resume(&resume.Session{Detached: outbox.Detached{Events: make([]*outbox.Frame, 5)}})
	g.GiveUp(totals)
	g.GiveUp(totals)
	if missed := totals.Snapshot().Missed[protocol.Disconnected]; missed != 5 || g.Missed.Load() != 5 {
		t.Errorf("the node counts %d, the connection %d; want 5", missed, g.Missed.Load())
	}
	var none *resume.Client
	none.GiveUp(totals)
	none.Late(&outbox.Frame{})
	if none.Take() != nil || none.Key() != "" {
		t.Error("a client without a session has something to restore, or a key")
	}
}
