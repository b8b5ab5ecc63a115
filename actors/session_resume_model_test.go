package actors

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// leaves are where the model publishes, an @ stands before a user; a reader of one of the lists hears those below its
// topics, and what is for its user.
var (
	leaves  = []string{"a/x", "a/y", "b/x", "c", "@u0", "@u1", "@u2", "@u3", "@u4"}
	tastes  = [][]string{{"a/x", "c"}, {"a"}, {"a/x", "a", "b"}, {"c", "b", "a"}, {"a/y", "b/x"}}
	readers = 12
)

// A topic counts what it forgot before it applies the reader's filter: a reader that hears a/x by itself learns also of
// what "a" forgot of it.

// reader is one client of the model: what it heard last of each leaf, and how many numbers were left out.
type reader struct {
	*client
	before    *client // the connection before this one, nil if all that it heard is noted
	key, user string
	topics    []string
	last      map[string]int
	skipped   int
	missed    int // as the connections told
	there     bool
}

// hear notes what the connection heard and checks its order.
func (r *reader) hear(t *testing.T, step int) {
	t.Helper()
	said := r.heard()
	r.forget()
	if r.before != nil {
		said = append(r.before.heard(), said...)
		r.before = nil
	}
	for _, said := range said {
		var leaf string
		var number int
		if _, err := fmt.Sscanf(said, `{"leaf":%q,"n":%d}`, &leaf, &number); err != nil {
			t.Fatalf("%q: %v", said, err)
		}
		if number <= r.last[leaf] {
			t.Fatalf("step %d: %s heard %s %d after %d", step, r.key, leaf, number, r.last[leaf])
		}
		r.skipped += number - r.last[leaf] - 1
		r.last[leaf] = number
	}
}

func (r *reader) wants(leaf string) bool {
	for _, topic := range r.topics {
		if protocol.Under(leaf, topic) {
			return true
		}
	}
	return leaf == "@"+r.user
}

// reliability.md checks 30 and 32, with chance: clients break, stop reading and come back while events are published
// and histories are trimmed. Each reader hears each event it wants once and in order, or it is counted as missed.
// PARLEY_SEED plays a run again.
func TestSessionResume_AgreesWithAModelWhateverHappens(t *testing.T) {
	seed := seedOf(t, uint64(time.Now().UnixNano()))
	rng := rand.New(rand.NewPCG(seed, 1))
	bubble(t, Config{Linger: time.Hour, HistoryCount: 12, Timeout: 24 * time.Hour}, func(n *Node) {
		var all []*reader
		for i := range readers {
			r := &reader{key: fmt.Sprint("r", i), user: fmt.Sprint("u", i%5), topics: tastes[i%len(tastes)],
				last: map[string]int{}, there: true}
			r.client = comeBack(t, n, words, someone(r.user), r.key).subscribe(t, r.topics...)
			all = append(all, r)
		}
		published := map[string]int{}
		say := func(leaf string) {
			published[leaf]++
			ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON,
				Data: fmt.Appendf(nil, `{"leaf":%q,"n":%d}`, leaf, published[leaf])})
			if err != nil {
				t.Fatal(err)
			}
			if user, direct := strings.CutPrefix(leaf, "@"); direct {
				tell(t, n, user, ev)
			} else {
				mustPublish(t, n, leaf, ev)
			}
		}
		back := func(r *reader) {
			r.before, r.client, r.there = r.client, comeBack(t, n, words, someone(r.user), r.key), true
		}
		lost := func() bool { return n.Metrics().Missed[protocol.PositionLost] > 0 }
		for step := 0; step < 400 || step < 4000 && !lost(); step++ { // that is rare
			var busy sync.WaitGroup
			burst := make([]string, rng.IntN(12))
			for i := range burst {
				burst[i] = leaves[rng.IntN(len(leaves))]
			}
			busy.Go(func() {
				for _, leaf := range burst {
					say(leaf)
				}
			})
			var came []*reader
			for _, r := range all {
				switch choice := rng.IntN(10); {
				case r.there && choice == 0:
					r.link.Gone(protocol.Lost)
					r.there = false
				case r.there && choice == 1:
					r.stop(true)
				case r.there && choice == 2:
					r.stop(false)
				case r.there && choice == 3: // its peer has vanished, and it is here before anybody notices
					back(r)
					came = append(came, r)
				case !r.there && choice < 4:
					back(r)
					came = append(came, r)
				}
			}
			busy.Wait()
			time.Sleep(time.Second)
			synctest.Wait()
			for _, r := range came {
				r.missed += r.told(t).Missed
			}
			for _, r := range all {
				r.hear(t, step)
			}
		}
		for _, r := range all {
			if !r.there {
				back(r)
				synctest.Wait()
				r.missed += r.told(t).Missed
			}
			r.stop(false)
		}
		synctest.Wait()
		for _, leaf := range leaves {
			say(leaf)
		}
		synctest.Wait()
		for _, r := range all {
			r.hear(t, -1)
			for _, leaf := range leaves {
				if r.wants(leaf) && r.last[leaf] != published[leaf] {
					t.Errorf("%s stands at %d of %d in %s", r.key, r.last[leaf], published[leaf], leaf)
				}
			}
			if overlap := r.topics[0] == "a/x" && r.topics[1] == "a"; r.skipped > r.missed ||
				r.skipped < r.missed && !overlap {
				t.Errorf("%s did not hear %d events, and was told of %d", r.key, r.skipped, r.missed)
			}
		}
		if f := n.Metrics(); f.Missed[protocol.PositionLost] == 0 || f.Restored < 100 || f.SuspendedSessions != 0 {
			t.Errorf("too little happened: %+v", f)
		}
	})
}
