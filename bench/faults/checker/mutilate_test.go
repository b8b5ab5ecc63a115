package checker

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// whole is a story without fault: events of two epochs, not all of them acknowledged, and readers who heard all of
// them, the last one with breaks.
func whole(r *rand.Rand) Topic {
	const last = 200
	t := Topic{Name: "t", Sent: sent(last)}
	for n := uint64(1); n <= last; n++ {
		epoch, offset := "a", n
		if n > last/2 {
			epoch, offset = "b", n-last/2
		}
		if epoch == "b" {
			t.Record = record(t.Record, Ack{n, epoch, offset})
		}
		if r.IntN(10) > 0 {
			t.Acks = append(t.Acks, Ack{n, epoch, offset})
		}
	}
	broken := slices.Insert(sent(last), 50+r.IntN(100), Break)
	t.Readers = []Reader{{"x", sent(last), true}, {"y", sent(last), true}, {"z", broken, false}}
	return t
}

func record(r *Record, e Ack) *Record {
	if r == nil {
		r = &Record{Epoch: e.Epoch}
	}
	r.Events = append(r.Events, e)
	return r
}

// A checker that finds nothing passes everything: whatever is done to a good story has to be found.
func TestFaults_OfAMutilatedStoryAreFoundWhereverItIsHurt(t *testing.T) {
	hurts := map[string]struct {
		do   func(r *rand.Rand, s *Topic, a Ack)
		want Kind
	}{
		"not heard": {func(_ *rand.Rand, s *Topic, a Ack) {
			s.Readers[0].Heard = without(s.Readers[0].Heard, a.Number)
		}, Gap},
		"heard twice": {func(r *rand.Rand, s *Topic, a Ack) {
			s.Readers[1].Heard = slices.Insert(s.Readers[1].Heard, r.IntN(200), a.Number)
		}, Duplicate},
		"heard out of place": {func(_ *rand.Rand, s *Topic, a Ack) {
			if a.Number < 100 { // the first and the last half are changed in different places
				s.Readers[2].Heard = append(without(s.Readers[2].Heard, a.Number), a.Number)
			} else {
				s.Readers[2].Heard = append([]uint64{a.Number}, without(s.Readers[2].Heard, a.Number)...)
			}
		}, Disorder},
		"heard of nobody": {func(r *rand.Rand, s *Topic, _ Ack) {
			s.Readers[2].Heard = slices.Insert(s.Readers[2].Heard, r.IntN(200), 9999)
		}, Invention},
		"forgotten": {func(r *rand.Rand, s *Topic, _ Ack) {
			last := s.Acks[len(s.Acks)-1-r.IntN(40)]
			s.Record.Events = slices.DeleteFunc(s.Record.Events, func(e Ack) bool { return e.Number == last.Number })
		}, Loss},
		"answered elsewhere": {func(r *rand.Rand, s *Topic, a Ack) {
			s.Acks = append(s.Acks, Ack{a.Number, a.Epoch, a.Offset + 1 + r.Uint64N(9)})
		}, Duplicate},
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		if story := whole(r); len(story.Faults()) > 0 {
			t.Fatalf("seed %d: unhurt, it has %v", seed, story.Faults())
		}
		for name, hurt := range hurts {
			story := whole(r)
			hurt.do(r, &story, story.Acks[1+r.IntN(len(story.Acks)-2)])
			faults := story.Faults()
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == hurt.want }) {
				t.Errorf("seed %d, %s: found %v, want %s", seed, name, faults, hurt.want)
			}
		}
	}
}

func without(numbers []uint64, n uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(numbers), func(m uint64) bool { return m == n })
}
