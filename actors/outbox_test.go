package actors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/parley-realtime/parley/protocol"
)

// bell is a wire that counts how often it is woken.
type bell struct{ rung atomic.Int64 }

func (b *bell) Wake()                { b.rung.Add(1) }
func (b *bell) Close(uint16, string) {}
func (b *bell) Cut()                 {}

func newOutbox(wire Wire, bytes, frames int) *Outbox {
	o := &Outbox{wire: wire, outboxes: &outboxes{max: OutboxLimits{Bytes: bytes, Frames: frames}}}
	o.join(newBacklog(1 << 30))
	return o
}

func frameOf(size int) *Frame { return &Frame{Op: Text, Data: make([]byte, size-16)} }

// send offers one frame and counts it.
func (o *Outbox) send(f *Frame) bool {
	return o.count(o.offer(f))
}

func TestOutbox_IsBoundedInBytesAndFramesWithWhatIsTakenButNotWritten(t *testing.T) {
	for name, c := range map[string]struct{ bytes, frames, size, fits int }{
		"bytes": {1000, 100, 100, 10}, "frames": {100000, 7, 100, 7}, "one too large": {1000, 100, 5000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(&bell{}, c.bytes, c.frames)
			for range c.fits {
				if o.offer(frameOf(c.size)) != c.size {
					t.Fatal("refused within the bounds")
				}
			}
			if got := o.offer(frameOf(c.size)); got != refusedFull {
				t.Fatalf("one too many: %d", got)
			}
			taken := o.Take(nil, c.size)
			if got := o.offer(frameOf(c.size)); len(taken) != 1 || got != refusedFull {
				t.Errorf("what is taken but not written does not count: %d", got)
			}
			if frames, bytes := o.Waiting(); frames != c.fits || bytes != c.fits*c.size {
				t.Errorf("waiting: %d frames, %d bytes", frames, bytes)
			}
			o.Wrote(taken)
			if got := o.offer(frameOf(c.size)); got != c.size {
				t.Errorf("refused after one was written: %d", got)
			}
			if dropped := o.close(); dropped != c.fits {
				t.Errorf("dropped %d, want %d", dropped, c.fits)
			}
			if got := o.offer(frameOf(c.size)); got != refusedClosed || o.close() != 0 {
				t.Errorf("after close: %d", got)
			}
			if o.Take(nil, 1<<20) != nil {
				t.Error("something is left after close")
			}
		})
	}
}

func TestOutboxLimits_AreExceededByOneMoreOfEither(t *testing.T) {
	m := OutboxLimits{Bytes: 400, Frames: 40}
	for _, c := range []struct {
		of            OutboxLimits
		frames, bytes int
	}{{m, 40, 400}, {m.share(droppable), 30, 300}, {m.share(replaceable), 10, 100}} {
		if c.of.exceeded(c.frames, c.bytes) || !c.of.exceeded(c.frames+1, 0) || !c.of.exceeded(0, c.bytes+1) {
			t.Errorf("%+v is not exceeded from %d frames or %d bytes on", c.of, c.frames, c.bytes)
		}
	}
}

// Each outbox of many is cold memory: an offer is to touch one line of the cache, and what follows it one more.
func TestOutbox_WhatAnOfferNeedsIsInItsFirst64BytesAndAllElseInTheNext(t *testing.T) {
	var o Outbox
	for name, end := range map[string]uintptr{
		"wire": unsafe.Offsetof(o.wire) + unsafe.Sizeof(o.wire), "awake": unsafe.Offsetof(o.awake), "held": unsafe.Offsetof(o.held),
		"counted": unsafe.Offsetof(o.counted), "closed": unsafe.Offsetof(o.closed),
		"line": unsafe.Offsetof(o.waiting) + unsafe.Offsetof(o.waiting.line) + unsafe.Sizeof(o.waiting.line), // the weight is before it
	} {
		if end > 64 {
			t.Errorf("%s ends at %d", name, end)
		}
	}
	if size := unsafe.Sizeof(o); size > 128 {
		t.Errorf("an outbox is %d bytes", size)
	}
}

// A model test against a slice: order, Take's maximum, the accounts.
func TestOutbox_AgreesWithASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	o := newOutbox(&bell{}, 1<<20, 1000)
	var waiting, taken []*Frame
	for range rounds(4000, 20_000) {
		switch rng.IntN(4) {
		case 0, 1:
			for range rng.IntN(70) {
				if f := frameOf(16 + rng.IntN(100)); o.offer(f) > 0 {
					waiting = append(waiting, f)
				}
			}
		case 2:
			most := rng.IntN(4000)
			got := o.Take(nil, most)
			var want []*Frame
			for sum := 0; len(waiting) > 0 && (len(want) == 0 || sum+waiting[0].size() <= most); waiting = waiting[1:] {
				sum += waiting[0].size()
				want = append(want, waiting[0])
			}
			if !slices.Equal(got, want) {
				t.Fatalf("took %d frames, want %d", len(got), len(want))
			}
			taken = append(taken, got...)
		case 3:
			part := rng.IntN(len(taken) + 1)
			o.Wrote(taken[:part])
			taken = taken[part:]
		}
		bytes := 0
		for _, f := range append(slices.Clone(waiting), taken...) {
			bytes += f.size()
		}
		if frames, got := o.Waiting(); frames != len(waiting)+len(taken) || got != bytes {
			t.Fatalf("waiting: %d frames, %d bytes, want %d, %d", frames, got, len(waiting)+len(taken), bytes)
		}
	}
}

func TestOutbox_HoldsNoBufferWhenEmpty(t *testing.T) {
	o := newOutbox(&bell{}, 1<<20, 1<<20)
	for range 100 {
		o.offer(frameOf(20))
	}
	o.Wrote(o.Take(nil, 1<<20))
	if o.waiting.line != (line{}) {
		t.Error("an empty outbox holds a chunk")
	}
}

func TestOutbox_OfferTakeAndWroteAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	o := newOutbox(&bell{}, 1<<20, 1<<20)
	frames, into := make([]*Frame, 200), make([]*Frame, 0, 200)
	for i := range frames {
		frames[i] = frameOf(160)
	}
	if got := testing.AllocsPerRun(1000, func() {
		for _, f := range frames {
			o.backlog.add(o.offer(f))
		}
		into = o.Take(into[:0], 1<<20)
		o.Wrote(into)
	}); got > 0.1 { // the pool may be emptied by a garbage collection
		t.Errorf("%v allocations for 200 frames", got)
	}
}

// Many offer, one takes whenever it is woken and not otherwise: if a wake-up were lost, something would be left.
func TestOutbox_LosesNoWakeUpAndKeepsTheOrderOfEachWhoOffers(t *testing.T) {
	const offerers, each = 8, 5000
	wakes := make(chan struct{}, 1)
	o := newOutbox(wakeFunc(func() { wakes <- struct{}{} }), 1<<30, 1<<30) // blocks if woken while awake
	o.backlog.add(0)
	var wg sync.WaitGroup
	for w := range offerers {
		wg.Go(func() {
			for i := range each {
				f := &Frame{Op: Text, Data: binary.BigEndian.AppendUint64(nil, uint64(w)<<32|uint64(i))}
				if !o.send(f) {
					t.Error("refused")
				}
			}
		})
	}
	next := make([]uint64, offerers)
	deadline := time.After(30 * time.Second)
	for got := 0; got < offerers*each; {
		select {
		case <-wakes:
		case <-deadline:
			t.Fatalf("a wake-up was lost: %d of %d came", got, offerers*each)
		}
		for {
			frames := o.Take(nil, 500)
			if len(frames) == 0 {
				break
			}
			for _, f := range frames {
				n := binary.BigEndian.Uint64(f.Data)
				if next[n>>32] != n&0xffffffff {
					t.Fatalf("offerer %d: %d came where %d was due", n>>32, n&0xffffffff, next[n>>32])
				}
				next[n>>32]++
			}
			got += len(frames)
			o.Wrote(frames)
		}
	}
	wg.Wait()
	if frames, bytes := o.Waiting(); frames != 0 || bytes != 0 || o.backlog.bytes.Load() != 0 {
		t.Errorf("left: %d frames, %d bytes, backlog %d", frames, bytes, o.backlog.bytes.Load())
	}
}

type wakeFunc func()

func (f wakeFunc) Wake()              { f() }
func (wakeFunc) Close(uint16, string) {}
func (wakeFunc) Cut()                 {}

// The accounts of the backlog hold whatever comes between whatever.
func TestOutbox_TheBacklogEndsAtExactlyZeroHoweverParkWroteAndCloseFallTogether(t *testing.T) {
	backlog := newBacklog(1 << 30)
	var wg sync.WaitGroup
	for i := range 20 {
		o := newOutbox(&bell{}, 1<<16, 1<<10)
		o.backlog = backlog
		for w := range 3 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(w)))
				for range 2000 {
					switch w {
					case 0:
						o.send(frameOf(16 + rng.IntN(200)))
					case 1:
						if rng.IntN(2) == 0 {
							o.Park()
						} else {
							o.Unpark()
						}
					case 2:
						o.Wrote(o.Take(nil, rng.IntN(1000)))
					}
				}
				if i%2 == 0 {
					o.close()
				}
			})
		}
		if i%2 != 0 {
			wg.Go(func() { o.close() })
		}
	}
	wg.Wait()
	if left := backlog.bytes.Load(); left != 0 {
		t.Errorf("%d bytes are left in the backlog when all outboxes are closed", left)
	}
}

func TestOutbox_ParkTakesWhatWaitsOutOfTheBacklogAndUnparkPutsItBack(t *testing.T) {
	o := newOutbox(&bell{}, 1<<20, 1<<20)
	check := func(step string, want int64) {
		t.Helper()
		if got := o.backlog.bytes.Load(); got != want {
			t.Errorf("%s: backlog %d, want %d", step, got, want)
		}
	}
	o.send(frameOf(100))
	check("offered", 100)
	o.Park()
	o.Park()
	check("parked", 0)
	o.send(frameOf(50))
	check("offered while parked", 0)
	o.Wrote(o.Take(nil, 100))
	check("written while parked", 0)
	o.Unpark()
	o.Unpark()
	check("unparked", 50)
	o.Wrote(o.Take(nil, 100))
	check("written", 0)
	o.Park()
	o.Unpark()
	check("empty", 0)
	o.send(frameOf(70))
	o.close()
	check("closed", 0)
	o.Park()
	o.Wrote([]*Frame{frameOf(70)})
	o.Unpark()
	check("after close", 0)
}

func TestFrame_IsBuiltOnceForAllWhoAskForAForm(t *testing.T) {
	f := &Frame{Op: Text, Data: []byte("x")}
	var built atomic.Int64
	results := make([][]byte, 50)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = f.Form(i%3, func(f *Frame) []byte {
				return fmt.Appendf(nil, "%s%d #%d", f.Data, i%3, built.Add(1))
			})
		})
	}
	wg.Wait()
	for i := range results {
		if &results[i][0] != &results[i%3][0] || !bytes.HasPrefix(results[i], fmt.Appendf(nil, "x%d", i%3)) {
			t.Fatalf("form %d differs: %s and %s", i%3, results[i], results[i%3])
		}
	}
}

func TestBacklog_PublishersWaitAboveHighAndGoOnBelowLow(t *testing.T) {
	bubble(t, Config{Backlog: 10_000, PublishWait: time.Minute}, func(n *Node) {
		c := enter(t, n, words, someone("a")).subscribe(t, "room")
		c.stop(true)
		big := func(size int) *protocol.Event {
			ev, err := protocol.NewEvent(protocol.Draft{Kind: protocol.JSON, Data: fmt.Appendf(nil, `{"x":%q}`, bytes.Repeat([]byte("x"), size))})
			if err != nil {
				t.Fatal(err)
			}
			return ev
		}
		mustPublish(t, n, "room", big(11_000))
		passed := make(chan int, 100)
		for i := range 10 {
			go func() { mustPublish(t, n, "room", big(100)); passed <- i }()
		}
		time.Sleep(30 * time.Second)
		if len(passed) != 0 {
			t.Fatal("a publisher went on above high")
		}
		c.stop(false)
		synctest.Wait()
		if len(passed) != 10 {
			t.Fatalf("%d of 10 publishers went on when all was written", len(passed))
		}
		if n.Figures().Backlog != 0 {
			t.Errorf("backlog %d", n.Figures().Backlog)
		}
		if drops := n.Figures().Drops; len(drops) != 0 {
			t.Errorf("drops %v", drops)
		}
	})
}

func TestBacklog_BetweenLowAndHighNobodyOvertakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog(100)
		b.add(101)
		var passed atomic.Int64
		for range 2 {
			go func() {
				if b.wait(t.Context()) != nil {
					t.Error("gave up")
				}
				passed.Add(1)
			}()
			synctest.Wait()
			b.add(-20) // 81, then 61: between low and high
			synctest.Wait()
			if passed.Load() != 0 {
				t.Fatal("went on between low and high")
			}
		}
		b.add(-11)
		synctest.Wait()
		if passed.Load() != 2 {
			t.Errorf("%d of 2 went on below low", passed.Load())
		}
	})
}

func TestBacklog_APublishThatWaitsTooLongIsToldThatItIsBusyAndOthersAreNotHeldForEver(t *testing.T) {
	bubble(t, Config{Backlog: 1000, PublishWait: 5 * time.Second}, func(n *Node) {
		n.tenant("acme").backlog.add(1001)
		start := time.Now()
		_, err := publishTo(n, "room", jsonEvent(t, "", 1))
		if reasonOf(err) != protocol.Busy || time.Since(start) != 5*time.Second || n.Figures().Drops[protocol.Busy] != 1 {
			t.Errorf("%v after %s, drops %v", err, time.Since(start), n.Figures().Drops)
		}
		n.tenant("acme").backlog.add(-101) // above low, but not above high, and nobody waits any more
		start = time.Now()
		if _, err := publishTo(n, "room", jsonEvent(t, "", 1)); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		n.tenant("acme").backlog.add(-900)
	})
}

// No wake-up is lost between those who fill and those who empty.
func TestBacklog_LosesNoWakeUp(t *testing.T) {
	b := newBacklog(100)
	var wg sync.WaitGroup
	emptied := make(chan int, 1000)
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if b.wait(t.Context()) != nil {
					t.Error("gave up")
				}
				b.add(60)
				emptied <- 60
			}
		})
	}
	done := make(chan struct{})
	go func() {
		for n := range emptied {
			b.add(-n)
		}
		close(done)
	}()
	wg.Wait()
	close(emptied)
	<-done
	if b.bytes.Load() != 0 {
		t.Errorf("%d left", b.bytes.Load())
	}
}

// reliability.md check 37, the engine's part.
func TestOutbox_ParkedSlowReadersSlowNoPublisherAndAreDisconnectedAsSlowWhileOthersGetEverything(t *testing.T) {
	const events, readers, stuck = 200, 20, 5
	bubble(t, Config{QueueBytes: 100 * 1024, Backlog: 64 << 10}, func(n *Node) {
		var good, bad []*client
		for i := range readers {
			good = append(good, enter(t, n, words, someone(fmt.Sprint("good", i))).subscribe(t, "room"))
		}
		for i := range stuck {
			c := enter(t, n, words, someone(fmt.Sprint("bad", i))).subscribe(t, "room")
			c.stop(true)
			c.link.Outbox().Park()
			bad = append(bad, c)
		}
		start := time.Now()
		var last Receipt
		for i := range events {
			ev, err := protocol.NewEvent(protocol.Draft{Kind: protocol.JSON, Data: fmt.Appendf(nil, `{"n":%d,"x":%q}`, i, bytes.Repeat([]byte("x"), 1000))})
			if err != nil {
				t.Fatal(err)
			}
			last = mustPublish(t, n, "room", ev)
			synctest.Wait() // all who read have read
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("publishing took %s", took)
		}
		if last.Delivered != readers {
			t.Errorf("the last event was delivered to %d, want %d", last.Delivered, readers)
		}
		for _, c := range good {
			if len(c.heard()) != events {
				t.Errorf("%s heard %d of %d", c.link.ID(), len(c.heard()), events)
			}
		}
		for _, c := range bad {
			c.wantEnd(t, protocol.Slow)
			if got := c.refusals(); len(got) != 1 || got[0] != protocol.Slow {
				t.Errorf("the session was told %v", got)
			}
		}
		f := n.Figures()
		if f.Drops[protocol.Slow] < stuck || f.Backlog != 0 {
			t.Errorf("drops %v, backlog %d", f.Drops, f.Backlog)
		}
		if s := n.Stats("acme"); s.ActiveConnections != readers {
			t.Errorf("%d connections are left, want %d", s.ActiveConnections, readers)
		}
	})
}

func TestBacklog_GrowsWithTheReadersUpToItsLimit(t *testing.T) {
	b := newBacklog(8 << 20)
	for readers, want := range map[int64]int64{0: leastBacklog, 1000: leastBacklog, 2000: 2000 * perReader, 100_000: 8 << 20} {
		b.join(readers)
		b.add(int(want))
		if b.full() {
			t.Errorf("%d bytes for %d readers are too many", want, readers)
		}
		b.add(1)
		if !b.full() {
			t.Errorf("%d bytes for %d readers are not too many", want+1, readers)
		}
		b.add(-int(want) - 1)
		b.join(-readers)
	}
}

// A wire that is woken twice before it has found nothing would be in its writer's queue twice.
func TestOutbox_HeldWhileItIsAwakeItWakesTheWireOnce(t *testing.T) {
	wire := &bell{}
	o := newOutbox(wire, 1000, 100)
	want := func(rung int64, when string) {
		t.Helper()
		if got := wire.rung.Load(); got != rung {
			t.Errorf("%s it was woken %d times, want %d", when, got, rung)
		}
	}
	o.offer(frameOf(20))
	o.hold()
	o.offer(frameOf(20))
	o.letGo()
	want(1, "awake all the time")
	o.hold()
	if frames := o.Take(nil, 1000); len(frames) != 0 {
		t.Errorf("%d frames while it is held", len(frames))
	}
	o.offer(frameOf(20))
	want(1, "held")
	o.letGo()
	want(2, "let go")
	o.Wrote(o.Take(nil, 1000))
	o.Take(nil, 1000)
	o.hold()
	o.letGo()
	want(2, "let go with nothing")
	o.offer(frameOf(20))
	want(3, "asleep again")
}
