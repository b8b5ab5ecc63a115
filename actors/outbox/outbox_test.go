package outbox

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
)

// wakeCounter is a transport that counts how often it is woken.
type wakeCounter struct{ wakes atomic.Int64 }

func (c *wakeCounter) Wake()                { c.wakes.Add(1) }
func (c *wakeCounter) Close(uint16, string) {}
func (c *wakeCounter) Cut()                 {}

func newOutbox(transport Transport, bytes, frames int) *Outbox {
	o := &Outbox{transport: transport, shared: &Shared{Limits: Limits{Bytes: bytes, Frames: frames}}}
	o.SetBackpressure(NewBackpressure(1 << 30))
	return o
}

func frameOf(size int) *Frame { return &Frame{Op: Text, Data: make([]byte, size-16)} }

// send offers one frame and counts it.
func (o *Outbox) send(f *Frame) bool {
	return o.Charge(o.Offer(f, AtOnce))
}

// ack says that frames were written, and takes them out of the backpressure.
func (o *Outbox) ack(frames []*Frame) {
	freed, _ := o.Ack(frames, time.Now().UnixNano())
	o.backpressure.Add(-freed)
}

func TestOutbox_IsBoundedInBytesAndFramesIncludingThoseTakenButNotWritten(t *testing.T) {
	for name, c := range map[string]struct{ bytes, frames, size, fits int }{
		"bytes": {1000, 100, 100, 10}, "frames": {100000, 7, 100, 7}, "one too large": {1000, 100, 5000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(&wakeCounter{}, c.bytes, c.frames)
			for range c.fits {
				if o.Offer(frameOf(c.size), AtOnce) != c.size {
					t.Fatal("refused within the bounds")
				}
			}
			if got := o.Offer(frameOf(c.size), AtOnce); got != RefusedFull {
				t.Fatalf("one too many: %d", got)
			}
			taken := o.Take(nil, c.size)
			if got := o.Offer(frameOf(c.size), AtOnce); len(taken) != 1 || got != RefusedFull {
				t.Errorf("frames that are taken but not written do not count: %d", got)
			}
			if frames, bytes := o.waiting.frames, o.waiting.bytes; frames != c.fits || bytes != c.fits*c.size {
				t.Errorf("waiting: %d frames, %d bytes", frames, bytes)
			}
			o.ack(taken)
			if got := o.Offer(frameOf(c.size), AtOnce); got != c.size {
				t.Errorf("refused after one was written: %d", got)
			}
			if dropped := o.Close(); dropped != c.fits {
				t.Errorf("dropped %d, want %d", dropped, c.fits)
			}
			if got := o.Offer(frameOf(c.size), AtOnce); got != RefusedClosed || o.Close() != 0 {
				t.Errorf("after close: %d", got)
			}
			if o.Take(nil, 1<<20) != nil {
				t.Error("something is left after close")
			}
		})
	}
}

func TestOutboxLimits_AreExceededByOneMoreOfEither(t *testing.T) {
	m := Limits{Bytes: 400, Frames: 40}
	for _, c := range []struct {
		of            Limits
		frames, bytes int
	}{{m, 40, 400}, {m.share(DropOldest), 30, 300}, {m.share(Conflate), 10, 100}} {
		if c.of.exceeded(c.frames, c.bytes) || !c.of.exceeded(c.frames+1, 0) || !c.of.exceeded(0, c.bytes+1) {
			t.Errorf("%+v is not exceeded from %d frames or %d bytes on", c.of, c.frames, c.bytes)
		}
	}
}

// Each outbox of many is cold memory: an offer is to touch one cache line, and taking and writing one more.
func TestOutbox_WhatAnOfferNeedsIsInItsFirst64BytesAndAllElseInTheNext(t *testing.T) {
	var o Outbox
	for name, end := range map[string]uintptr{
		"transport": unsafe.Offsetof(o.transport) + unsafe.Sizeof(o.transport), "awake": unsafe.Offsetof(o.awake),
		"held": unsafe.Offsetof(o.held), "counted": unsafe.Offsetof(o.counted), "closed": unsafe.Offsetof(o.closed),
		// the weight stands before the fifo
		"fifo": unsafe.Offsetof(o.waiting) + unsafe.Offsetof(o.waiting.fifo) + unsafe.Sizeof(o.waiting.fifo),
	} {
		if end > 64 {
			t.Errorf("%s ends at %d", name, end)
		}
	}
	if end := unsafe.Offsetof(o.number); end > 128 {
		t.Errorf("what deliveries need of an outbox is %d bytes", end)
	}
}

// A model test against a slice: order, Take's maximum, the accounts.
func TestOutbox_AgreesWithASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	o := newOutbox(&wakeCounter{}, 1<<20, 1000)
	var waiting, taken []*Frame
	for range rounds(4000, 20_000) {
		switch rng.IntN(4) {
		case 0, 1:
			for range rng.IntN(70) {
				if f := frameOf(16 + rng.IntN(100)); o.Offer(f, AtOnce) > 0 {
					waiting = append(waiting, f)
				}
			}
		case 2:
			most := rng.IntN(4000)
			got := o.Take(nil, most)
			var want []*Frame
			for sum := 0; len(waiting) > 0 && (len(want) == 0 || sum+waiting[0].Size() <= most); waiting = waiting[1:] {
				sum += waiting[0].Size()
				want = append(want, waiting[0])
			}
			if !slices.Equal(got, want) {
				t.Fatalf("took %d frames, want %d", len(got), len(want))
			}
			taken = append(taken, got...)
		case 3:
			part := rng.IntN(len(taken) + 1)
			o.ack(taken[:part])
			taken = taken[part:]
		}
		bytes := 0
		for _, f := range append(slices.Clone(waiting), taken...) {
			bytes += f.Size()
		}
		if frames, got := o.waiting.frames, o.waiting.bytes; frames != len(waiting)+len(taken) || got != bytes {
			t.Fatalf("waiting: %d frames, %d bytes, want %d, %d", frames, got, len(waiting)+len(taken), bytes)
		}
	}
}

func TestOutbox_HoldsNoBufferWhenEmpty(t *testing.T) {
	o := newOutbox(&wakeCounter{}, 1<<20, 1<<20)
	for range 100 {
		o.Offer(frameOf(20), AtOnce)
	}
	o.ack(o.Take(nil, 1<<20))
	if o.waiting.fifo != (fifo{}) {
		t.Error("an empty outbox holds a chunk")
	}
}

func TestOutbox_OfferTakeAndAckAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	o := newOutbox(&wakeCounter{}, 1<<20, 1<<20)
	frames, into := make([]*Frame, 200), make([]*Frame, 0, 200)
	for i := range frames {
		frames[i] = frameOf(160)
	}
	if got := testing.AllocsPerRun(1000, func() {
		for _, f := range frames {
			o.backpressure.Add(o.Offer(f, AtOnce))
		}
		into = o.Take(into[:0], 1<<20)
		o.ack(into)
	}); got > 0.1 { // the pool may be emptied by a garbage collection
		t.Errorf("%v allocations for 200 frames", got)
	}
}

// Many producers offer, one consumer takes whenever it is woken and not otherwise: a lost wake-up would leave frames
// behind.
func TestOutbox_LosesNoWakeUpAndKeepsTheOrderOfEachProducer(t *testing.T) {
	const producers, each = 8, 5000
	wakes := make(chan struct{}, 1)
	o := newOutbox(wakeFunc(func() { wakes <- struct{}{} }), 1<<30, 1<<30) // blocks if woken while awake
	o.backpressure.Add(0)
	var wg sync.WaitGroup
	for w := range producers {
		wg.Go(func() {
			for i := range each {
				f := &Frame{Op: Text, Data: binary.BigEndian.AppendUint64(nil, uint64(w)<<32|uint64(i))}
				if !o.send(f) {
					t.Error("refused")
				}
			}
		})
	}
	next := make([]uint64, producers)
	deadline := time.After(30 * time.Second)
	for got := 0; got < producers*each; {
		select {
		case <-wakes:
		case <-deadline:
			t.Fatalf("a wake-up was lost: %d of %d came", got, producers*each)
		}
		for {
			frames := o.Take(nil, 500)
			if len(frames) == 0 {
				break
			}
			for _, f := range frames {
				n := binary.BigEndian.Uint64(f.Data)
				if next[n>>32] != n&0xffffffff {
					t.Fatalf("producer %d: %d came where %d was due", n>>32, n&0xffffffff, next[n>>32])
				}
				next[n>>32]++
			}
			got += len(frames)
			o.ack(frames)
		}
	}
	wg.Wait()
	frames, bytes := o.waiting.frames, o.waiting.bytes
	if frames != 0 || bytes != 0 || o.backpressure.bytes.Load() != 0 {
		t.Errorf("left: %d frames, %d bytes, backpressure %d", frames, bytes, o.backpressure.bytes.Load())
	}
}

type wakeFunc func()

func (f wakeFunc) Wake()              { f() }
func (wakeFunc) Close(uint16, string) {}
func (wakeFunc) Cut()                 {}

// The accounts of the backpressure hold however calls interleave.
func TestOutbox_BackpressureEndsAtExactlyZeroHoweverParkAckAndCloseInterleave(t *testing.T) {
	pressure := NewBackpressure(1 << 30)
	var wg sync.WaitGroup
	for i := range 20 {
		o := newOutbox(&wakeCounter{}, 1<<16, 1<<10)
		o.backpressure = pressure
		for w := range 3 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(w)))
				for range 2000 {
					switch w {
					case 0:
						o.send(frameOf(16 + rng.IntN(200)))
					case 1:
						if rng.IntN(2) == 0 {
							o.SetParked(true)
						} else {
							o.SetParked(false)
						}
					case 2:
						o.ack(o.Take(nil, rng.IntN(1000)))
					}
				}
				if i%2 == 0 {
					o.Close()
				}
			})
		}
		if i%2 != 0 {
			wg.Go(func() { o.Close() })
		}
	}
	wg.Wait()
	if left := pressure.bytes.Load(); left != 0 {
		t.Errorf("%d bytes are left in the backpressure when all outboxes are closed", left)
	}
}

func TestOutbox_ParkingTakesWaitingBytesOutOfTheBackpressureAndUnparkingPutsThemBack(t *testing.T) {
	o := newOutbox(&wakeCounter{}, 1<<20, 1<<20)
	check := func(step string, want int64) {
		t.Helper()
		if got := o.backpressure.bytes.Load(); got != want {
			t.Errorf("%s: backpressure %d, want %d", step, got, want)
		}
	}
	o.send(frameOf(100))
	check("offered", 100)
	o.SetParked(true)
	o.SetParked(true)
	check("parked", 0)
	o.send(frameOf(50))
	check("offered while parked", 0)
	o.ack(o.Take(nil, 100))
	check("written while parked", 0)
	o.SetParked(false)
	o.SetParked(false)
	check("unparked", 50)
	o.ack(o.Take(nil, 100))
	check("written", 0)
	o.SetParked(true)
	o.SetParked(false)
	check("empty", 0)
	o.send(frameOf(70))
	o.Close()
	check("closed", 0)
	o.SetParked(true)
	o.ack([]*Frame{frameOf(70)})
	o.SetParked(false)
	check("after close", 0)
}

func TestFrame_EachFormIsBuiltOnceForAllCallers(t *testing.T) {
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

func TestBackpressure_BetweenLowAndHighNobodyOvertakesWaitingPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBackpressure(100)
		b.Add(101)
		var passed atomic.Int64
		for range 2 {
			go func() {
				if b.Wait(t.Context()) != nil {
					t.Error("gave up")
				}
				passed.Add(1)
			}()
			synctest.Wait()
			b.Add(-20) // 81, then 61: between low and high
			synctest.Wait()
			if passed.Load() != 0 {
				t.Fatal("went on between low and high")
			}
		}
		b.Add(-11)
		synctest.Wait()
		if passed.Load() != 2 {
			t.Errorf("%d of 2 went on below low", passed.Load())
		}
	})
}

// No wake-up is lost between publishers and writers.
func TestBackpressure_LosesNoWakeUp(t *testing.T) {
	b := NewBackpressure(100)
	var wg sync.WaitGroup
	emptied := make(chan int, 1000)
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if b.Wait(t.Context()) != nil {
					t.Error("gave up")
				}
				b.Add(60)
				emptied <- 60
			}
		})
	}
	done := make(chan struct{})
	go func() {
		for n := range emptied {
			b.Add(-n)
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

func TestBackpressure_GrowsWithTheReadersUpToItsLimit(t *testing.T) {
	b := NewBackpressure(8 << 20)
	for readers, want := range map[int64]int64{
		0: minBackpressure, 1000: minBackpressure, 2000: 2000 * perReader, 100_000: 8 << 20,
	} {
		b.AddReaders(readers)
		b.Add(int(want))
		if b.Full() {
			t.Errorf("%d bytes for %d readers are too many", want, readers)
		}
		b.Add(1)
		if !b.Full() {
			t.Errorf("%d bytes for %d readers are not too many", want+1, readers)
		}
		b.Add(-int(want) - 1)
		b.AddReaders(-readers)
	}
}

// A transport that is woken twice before it has found nothing would be in its writer's queue twice.
func TestOutbox_HeldWhileItIsAwakeItWakesTheTransportOnce(t *testing.T) {
	transport := &wakeCounter{}
	o := newOutbox(transport, 1000, 100)
	want := func(wakes int64, when string) {
		t.Helper()
		if got := transport.wakes.Load(); got != wakes {
			t.Errorf("%s it was woken %d times, want %d", when, got, wakes)
		}
	}
	o.Offer(frameOf(20), AtOnce)
	o.Hold()
	o.Offer(frameOf(20), AtOnce)
	o.Release()
	want(1, "awake all the time")
	o.Hold()
	if frames := o.Take(nil, 1000); len(frames) != 0 {
		t.Errorf("%d frames while it is held", len(frames))
	}
	o.Offer(frameOf(20), AtOnce)
	want(1, "held")
	o.Release()
	want(2, "released")
	o.ack(o.Take(nil, 1000))
	o.Take(nil, 1000)
	o.Hold()
	o.Release()
	want(2, "released with nothing")
	o.Offer(frameOf(20), AtOnce)
	want(3, "asleep again")
}
