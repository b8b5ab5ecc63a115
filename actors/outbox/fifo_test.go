package outbox

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// chunks returns how many chunks a fifo holds.
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

// all returns the frames of a fifo, oldest first.
func (q *fifo) all() (all []*Frame) {
	q.rewrite(func(f *Frame) *Frame {
		all = append(all, f)
		return f
	})
	return all
}

func TestFIFO_AgreesWithASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var q fifo
	var want []*Frame
	for range 20_000 {
		switch rng.IntN(5) {
		case 0, 1:
			for range rng.IntN(50) {
				f := &Frame{key: rng.Uint64()}
				q.push(f)
				want = append(want, f)
			}
		case 2, 3:
			for range rng.IntN(50) {
				f := q.pop()
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
			keep := func(f *Frame) bool { return f.key%3 > 0 }
			q.refill(older, keep)
			want = append(older, slices.DeleteFunc(want, func(f *Frame) bool { return !keep(f) })...)
		}
		if got := q.all(); !slices.Equal(got, want) {
			t.Fatalf("%d frames, want %d", len(got), len(want))
		}
		if f := q.front(); q.empty() != (len(want) == 0) || (f == nil) != q.empty() || f != nil && f != want[0] {
			t.Fatalf("the front of %d frames is %v", len(want), f)
		}
		if q.chunks() > len(want)/30+2 {
			t.Fatalf("%d frames in %d chunks", len(want), q.chunks())
		}
		if len(want) == 0 && q != (fifo{}) {
			t.Fatal("an empty fifo holds a chunk")
		}
	}
}

func TestFIFO_IsRewrittenInItsPlaces(t *testing.T) {
	for _, n := range []int{0, 1, 2, 31, 32, 100} {
		var q fifo
		var want []*Frame
		others := map[*Frame]*Frame{}
		for range n {
			f, other := &Frame{}, &Frame{}
			q.push(f)
			others[f] = other
			want = append(want, other)
		}
		q.rewrite(func(f *Frame) *Frame { return others[f] })
		if got := q.all(); !slices.Equal(got, want) {
			t.Errorf("of %d frames, not all stand where they stood", n)
		}
	}
}

// A chunk in the pool must keep no frame alive.
func TestFIFO_GivesChunksBackEmpty(t *testing.T) {
	var q fifo
	for range 61 {
		q.push(&Frame{})
	}
	c := q.last
	for q.pop() != nil {
	}
	if c.next != nil || c.frames != ([30]*Frame{}) {
		t.Error("a chunk was given back with frames in it")
	}
}
