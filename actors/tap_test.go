package actors

import (
	"testing"
	"testing/synctest"

	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/protocol"
)

// drainTap returns the directions of what a tap has seen.
func drainTap(p *tap.Tap) (directions string) {
	synctest.Wait()
	for len(p.Frames()) > 0 {
		f := <-p.Frames()
		p.Done(f)
		if f.In {
			directions += "in "
		} else {
			directions += "out "
		}
	}
	return directions
}

func TestTap_SeesBothDirectionsOfAConnectionAUserAndATopic(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("alice"))
		other := enter(t, n, words, someone("bob"))
		taps := make([]*tap.Tap, 0, 3)
		for _, of := range [][3]string{{c.link.ID()}, {"", "alice"}, {"", "", "room"}} {
			p, err := n.Tap("acme", of[0], of[1], of[2])
			if err != nil {
				t.Fatal(err)
			}
			taps = append(taps, p)
		}
		c.subscribe(t, "room")
		mustPublish(t, n, "room", jsonEvent(t, "a", 1))
		mustPublish(t, n, "hall", jsonEvent(t, "b", 1))
		other.subscribe(t, "hall")
		for i, p := range taps {
			if got := drainTap(p); got != "in out " {
				t.Errorf("tap %d saw %q", i, got)
			}
		}
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		if !taps[0].Ended() || taps[1].Ended() {
			t.Error("a tap ends with its connection, and only then")
		}
		for _, p := range taps {
			p.Close()
		}
		if _, err := n.Tap("acme", c.link.ID(), "", ""); reasonOf(err) != protocol.NotFound {
			t.Errorf("of a connection that ended: %v", err)
		}
		if _, err := n.Tap("nobody", "", "alice", ""); reasonOf(err) != protocol.NotFound {
			t.Errorf("of an unknown tenant: %v", err)
		}
	})
}
