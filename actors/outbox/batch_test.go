package outbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// batcher is an outbox with what its tests look at.
type batcher struct {
	*Outbox
	transport *wakeCounter
	node      *Backpressure
}

func newBatcher(limit int64) batcher {
	transport, node := &wakeCounter{}, NewBackpressure(limit)
	o := &Outbox{transport: transport, shared: &Shared{Limits: Limits{Bytes: 1 << 20, Frames: 1000}}}
	o.SetBackpressure(node.Tenant())
	return batcher{o, transport, node}
}

// batch offers events that wait for more.
func (g batcher) batch(sizes ...int) {
	for _, size := range sizes {
		g.Charge(g.Offer(frameOf(size), Batched))
	}
}

// check compares how often the transport was woken, and what is counted where.
func (g batcher) check(t *testing.T, when string, wakes int64, batched, waiting int) {
	t.Helper()
	if got := g.transport.wakes.Load(); got != wakes {
		t.Errorf("%s: woken %d times, want %d", when, got, wakes)
	}
	if got := g.node.batched.Load(); got != int64(batched) {
		t.Errorf("%s: %d bytes are batched, want %d", when, got, batched)
	}
	if got := g.node.Bytes(); got != int64(waiting) {
		t.Errorf("%s: %d bytes wait, want %d", when, got, waiting)
	}
}

func TestBatch_EventsWaitInTheirOrderUntilFlushAndThenLeaveWithOneWake(t *testing.T) {
	g := newBatcher(1 << 30)
	frames := []*Frame{frameOf(20), frameOf(30), frameOf(40)}
	for _, f := range frames {
		if !g.Charge(g.Offer(f, Batched)) {
			t.Fatal("refused")
		}
	}
	g.check(t, "batched", 0, 90, 0)
	g.Flush()
	g.check(t, "flushed", 1, 0, 90)
	g.Flush()
	g.batch(50)
	g.check(t, "another that finds the transport awake", 1, 0, 140)
	got := g.Take(nil, 1<<20)
	if !slices.Equal(got[:3], frames) || len(got) != 4 {
		t.Errorf("took %d frames in another order", len(got))
	}
	g.ack(got)
	g.batch(60)
	g.check(t, "the next window", 1, 60, 0)
}

func TestBatch_EndsAtWhateverWakesTheTransport(t *testing.T) {
	for name, wake := range map[string]func(g batcher){
		"an answer":           func(g batcher) { g.Charge(g.SendControl(Text, make([]byte, 84), false)) },
		"an answer behind":    func(g batcher) { g.Charge(g.SendControl(Text, make([]byte, 84), true)) },
		"an event at once":    func(g batcher) { g.Charge(g.Offer(frameOf(100), AtOnce)) },
		"a release":           func(g batcher) { g.Hold(); g.batch(100); g.Release() },
		"a flush":             func(g batcher) { g.batch(100); g.Flush() },
		"a flush while held":  func(g batcher) { g.batch(100); g.Hold(); g.Flush(); g.Release() },
		"events for a resume": func(g batcher) { g.Hold(); g.Charge(g.Prepend([]*Frame{frameOf(100)})); g.Release() },
	} {
		g := newBatcher(1 << 30)
		g.batch(20, 30)
		g.check(t, "before "+name, 0, 50, 0)
		wake(g)
		g.check(t, "after "+name, 1, 0, 150)
		if got := g.Take(nil, 1<<20); len(got) != 3 {
			t.Errorf("%s: %d frames", name, len(got))
		}
	}
}

// A transport may take what waits though nobody woke it, as one does that closes.
func TestBatch_EndsWhenTheTransportTakes(t *testing.T) {
	g := newBatcher(1 << 30)
	g.batch(20, 30)
	got := g.Take(nil, 25)
	g.check(t, "half is taken", 0, 0, 50)
	g.batch(40)
	g.check(t, "it takes still", 0, 0, 90)
	g.ack(append(got, g.Take(nil, 1<<20)...))
	g.check(t, "all is written", 0, 0, 0)
}

func TestBatch_ABoundOfBytesWakesTheTransport(t *testing.T) {
	for _, c := range []struct{ limit, bound int }{{1 << 20, batchBytes}, {4096, 1024}} {
		g := newBatcher(1 << 30)
		g.shared.Limits.Bytes = c.limit
		g.batch(c.bound/2, c.bound/2)
		g.check(t, "at the bound", 0, c.bound, 0)
		g.batch(16)
		g.check(t, "above it", 1, 0, c.bound+16)
	}
	g := newBatcher(1 << 30)
	g.batch(batchBytes + 1)
	g.check(t, "one large event", 1, 0, batchBytes+1)
}

func TestBatch_NothingWaitsWhilePublishersAreTooFastForTheReaders(t *testing.T) {
	g := newBatcher(8 << 20)
	other := g.node.Tenant()
	low := int(g.node.low())
	other.Add(low + 1)
	g.batch(20)
	g.check(t, "above the low mark of the node", 0, 20, low+1) // the fair share of a quiet tenant is its own
	g.backpressure.Add(low + 1)
	g.batch(30)
	g.check(t, "above that of the tenant", 1, 0, 2*low+2+50)
}

func TestBatch_NothingWaitsWhileAllOutboxesBatchAThirdOfTheLimit(t *testing.T) {
	g := newBatcher(6 << 20)
	g.backpressure.batch(2 << 20)
	g.batch(20)
	g.check(t, "at the third", 0, 2<<20+20, 0)
	g.batch(30)
	g.check(t, "above it", 1, 2<<20, 50)
}

func TestBatch_IsFalseWithoutBackpressure(t *testing.T) {
	g := newBatcher(1 << 30)
	g.backpressure = nil
	g.counted = false
	g.batch(20)
	g.check(t, "nothing counts it", 1, 0, 0)
}

// A model test: whatever is done in whatever order, the bytes are in one account, no wake is lost, and both accounts
// are empty at the end.
func TestBatch_AccountsAgreeAndNoWakeIsLost(t *testing.T) {
	for seed := range uint64(rounds(60, 400)) {
		synctest.Test(t, func(t *testing.T) { batchModel(t, seed) })
	}
}

func batchModel(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	g := newBatcher(64 << 10) // so that pressure comes and goes
	g.shared.Limits, g.shared.Delay.After = Limits{Bytes: 8 << 10, Frames: 60}, 2*time.Millisecond
	g.Init(g.shared, 1, seed%2 == 0)
	var taken []*Frame
	for step := range 600 {
		taken = batchStep(g, rng, taken)
		if wrong := g.disagreement(); wrong != "" {
			t.Fatalf("seed %d step %d: %s", seed, step, wrong)
		}
	}
	if rng.IntN(2) == 0 || g.inFlight == nil {
		g.Close()
	} else {
		g.Detach()
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if d := &g.shared.Delay; g.node.Bytes() != 0 || g.node.batched.Load() != 0 || d.active || len(d.queue) > 0 {
		t.Fatalf("seed %d: %d and %d bytes are left, %d delayed",
			seed, g.node.Bytes(), g.node.batched.Load(), len(d.queue))
	}
}

// disagreement says what is wrong with the accounts; "" for nothing.
func (g batcher) disagreement() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting, batched, counted := g.waiting.bytes, int(g.node.batched.Load()), int(g.backpressure.Bytes())
	switch {
	case !g.batching && !g.parked && counted != waiting, (g.batching || g.parked) && counted != 0:
		return fmt.Sprintf("%d of %d bytes are in the backpressure", counted, waiting)
	case g.batching && batched != waiting, !g.batching && batched != 0:
		return fmt.Sprintf("%d of %d bytes are batched", batched, waiting)
	case !g.awake && !g.held && !g.batching && !g.waiting.empty():
		return "frames wait and the transport sleeps"
	}
	return ""
}

// batchStep does something to an outbox as its callers may; taken are the frames that the transport has.
func batchStep(g batcher, rng *rand.Rand, taken []*Frame) []*Frame {
	policies := []Policy{Keep, DropOldest, Conflate}
	switch rng.IntN(15) {
	case 0, 1, 2, 3:
		f := frameFor(policies[rng.IntN(3)], "t", string(rune('a'+rng.IntN(3))), rng.IntN(1000))
		g.Charge(g.Offer(f, When(rng.IntN(3))))
	case 4:
		g.Charge(g.SendControl(Text, make([]byte, rng.IntN(40)), rng.IntN(2) == 0))
	case 5, 6:
		taken = append(taken, g.Take(nil, rng.IntN(3000))...)
	case 7, 8:
		part := rng.IntN(len(taken) + 1)
		g.ack(taken[:part])
		taken = taken[part:]
	case 9:
		g.Flush()
	case 10:
		g.Hold()
	case 11:
		g.Release()
	case 12:
		if g.awake || g.parked { // only a transport that writes finds out
			g.SetParked(!g.parked)
		}
	case 13:
		g.Shed()
	case 14:
		time.Sleep(time.Millisecond)
		synctest.Wait()
	}
	return taken
}

func TestBatch_FlushingAnOutboxTakesNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	g := newBatcher(1 << 30)
	f, into := frameOf(160), make([]*Frame, 0, 8)
	if got := testing.AllocsPerRun(1000, func() {
		g.Charge(g.Offer(f, Batched))
		g.Charge(g.Offer(f, Batched))
		g.Flush()
		into = g.Take(into[:0], 1<<20)
		freed, _ := g.Ack(into, time.Now().UnixNano())
		g.backpressure.Add(-freed)
	}); got > 0.1 {
		t.Errorf("%v allocations", got)
	}
}
