package sim

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/cryptotest"
	"time"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of the simulation")
	seeds     = flag.Uint64("seeds", 20, "how many seeds the simulation plays")
)

// play plays a seed.
func play(t *testing.T, seed uint64) *world {
	cryptotest.SetGlobalRandom(t, seed)
	w := newWorld(seed)
	w.run(2*time.Second, w.checks.attach)
	for _, n := range w.nodes {
		n.subscribe(topicName(0, 0))
	}
	w.faults = true
	w.run(15*time.Second, func() {
		w.traffic()
		w.checks.attach()
	})
	w.calm()
	w.run(5*time.Second, w.checks.attach)
	last := w.last()
	w.run(3*time.Second, nil)
	w.checks.finish()
	for _, p := range last {
		if p.answered == 0 {
			w.checks.fail("event %d, published after all faults, has no answer", p.id)
		}
	}
	return w
}

// last has each node subscribe to and publish in each topic.
func (w *world) last() (all []*publish) {
	for slot := range slots {
		for i := range perSlot {
			for _, n := range w.nodes {
				if w.checks.open(n, topicName(slot, i)) == nil {
					n.subscribe(topicName(slot, i))
				}
			}
		}
	}
	w.run(500*time.Millisecond, w.checks.attach)
	for _, n := range w.nodes {
		for slot := range slots {
			all = append(all, n.publish(topicName(slot, 0)))
		}
	}
	return all
}

func TestSim_ASeedRepeatsItself(t *testing.T) {
	for seed := range uint64(5) {
		var hashes [2]uint64
		for i := range hashes {
			t.Run(fmt.Sprint(seed, i), func(t *testing.T) { hashes[i] = play(t, seed).hash() })
		}
		if hashes[0] != hashes[1] {
			t.Errorf("seed %d gave two runs", seed)
		}
	}
}

func TestSim_WithoutFaultsEachEventComesToAllAndTheirNumberIsRight(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	w := newWorld(1)
	w.run(2*time.Second, nil)
	for _, n := range w.nodes {
		n.subscribe(topicName(0, 0))
	}
	w.run(time.Second, w.checks.attach)
	for range 1000 {
		w.run(step, nil)
		for _, n := range w.nodes {
			n.publish(topicName(0, 0))
		}
	}
	w.run(time.Second, nil)
	w.checks.finish()
	if err := w.checks.err(); err != nil || w.checks.losses > 0 {
		t.Errorf("%d losses, %v", w.checks.losses, err)
	}
	for _, p := range w.checks.publishes {
		if p.count != nodes {
			t.Fatalf("event %d went to %d nodes", p.id, p.count)
		}
	}
	for _, s := range w.checks.subscriptions {
		if !slices.Equal(s.got, w.checks.subscriptions[0].got) || len(s.got) != 3000 {
			t.Errorf("node %d got another order, or not all: %d events", s.node, len(s.got))
		}
	}
}

func TestSim_Seeds(t *testing.T) {
	var elected, answered, losses, published int
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := play(t, seed)
			if err := w.checks.err(); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			elected += w.elected
			losses += w.checks.losses
			for _, p := range w.checks.publishes {
				published++
				if p.answered > 0 {
					answered++
				}
			}
		})
	}
	t.Logf("%d homes, %d of %d publishes answered, %d losses told", elected, answered, published, losses)
	if answered < published/2 || elected < int(*seeds)*slots {
		t.Errorf("%d homes, %d of %d publishes answered: the simulation does not do its work",
			elected, answered, published)
	}
}
