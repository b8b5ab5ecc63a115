package outbox

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// chunks is how many a line holds.
func (q *fifo) chunks() (n int) {
	if q.last == nil {
		return 0
	}
	for n = 1; n < 1000; n++ {
		c := q.last
		for range n {
			c = c.next
		}
		if c == q.last {
			return n
		}
	}
	return n
}

// all are the frames of a line, oldest first.
func (q *fifo) all() (all []*Frame) {
	q.rewrite(func(f *Frame) *Frame {
		all = append(all, f)
		return f
	})
	return all
}

func TestFIFO_AgreesWithASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var l fifo
	var want []*Frame
	for range 20_000 {
		switch rng.IntN(5) {
		case 0, 1:
			for range rng.IntN(50) {
				f := &Frame{key: rng.Uint64()}
				l.push(f)
				want = append(want, f)
			}
		case 2, 3:
			for range rng.IntN(50) {
				f := l.pop()
				if (f == nil) != (len(want) == 0) || f != nil && f != want[0] {
					t.Fatal("popped another one than the oldest")
				}
				want = want[min(1, len(want)):]
			}
		case 4:
			var older []*Frame
			for range rng.IntN(3) {
				older = append(older, &Frame{key: rng.Uint64()})
			}
			kept := func(f *Frame) bool { return f.key%3 > 0 }
			l.refill(older, kept)
			want = append(older, slices.DeleteFunc(want, func(f *Frame) bool { return !kept(f) })...)
		}
		if got := l.all(); !slices.Equal(got, want) {
			t.Fatalf("%d frames, want %d", len(got), len(want))
		}
		if f := l.front(); l.empty() != (len(want) == 0) || (f == nil) != l.empty() || f != nil && f != want[0] {
			t.Fatalf("the front of %d frames is %v", len(want), f)
		}
		if l.chunks() > len(want)/30+2 {
			t.Fatalf("%d frames in %d chunks", len(want), l.chunks())
		}
		if len(want) == 0 && l != (fifo{}) {
			t.Fatal("an empty line holds a chunk")
		}
	}
}

func TestFIFO_IsRewrittenInItsPlaces(t *testing.T) {
	for _, n := range []int{0, 1, 2, 31, 32, 100} {
		var l fifo
		var want []*Frame
		others := map[*Frame]*Frame{}
		for range n {
			f, other := &Frame{}, &Frame{}
			l.push(f)
			others[f] = other
			want = append(want, other)
		}
		l.rewrite(func(f *Frame) *Frame { return others[f] })
		if got := l.all(); !slices.Equal(got, want) {
			t.Errorf("of %d frames, not all are where they were", n)
		}
	}
}

// A chunk that is in the pool must keep no frame alive.
func TestFIFO_GivesChunksBackEmpty(t *testing.T) {
	var l fifo
	for range 61 {
		l.push(&Frame{})
	}
	c := l.last
	for l.pop() != nil {
	}
	if c.next != nil || c.frames != ([30]*Frame{}) {
		t.Error("a chunk was given back with frames in it")
	}
}
