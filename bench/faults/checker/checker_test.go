package checker

import (
	"slices"
	"strings"
	"testing"
)

// acks puts numbers at offsets from 1 on.
func acks(epoch string, numbers ...uint64) (all []Ack) {
	for i, n := range numbers {
		all = append(all, Ack{n, epoch, uint64(i + 1)})
	}
	return all
}

func sent(last uint64) (all []uint64) {
	for n := uint64(1); n <= last; n++ {
		all = append(all, n)
	}
	return all
}

func TestFaults_AStoryWithoutFaultHasNone(t *testing.T) {
	for name, story := range map[string]Topic{
		"nobody": {},
		"all heard all": {Sent: sent(4), Acks: acks("a", 1, 2, 3, 4),
			Readers: []Reader{{"x", sent(4), true}, {"y", sent(4), true}}},
		"one came late": {Sent: sent(4), Acks: acks("a", 1, 2, 3, 4),
			Readers: []Reader{{"x", []uint64{3, 4}, false}}},
		"one left early": {Sent: sent(4), Acks: acks("a", 1, 2, 3, 4),
			Readers: []Reader{{"x", []uint64{1, 2}, false}}},
		"a break": {Sent: sent(4), Acks: acks("a", 1, 2, 3, 4),
			Readers: []Reader{{"x", []uint64{1, Break, 4}, false}}},
		"not acknowledged": {Sent: sent(3), Acks: acks("a", 1, 3),
			Readers: []Reader{{"x", []uint64{1, 2, 3}, true}, {"y", []uint64{1, 3}, true}}},
		"two publishers": {Sent: sent(4), Acks: acks("a", 3, 1, 4, 2),
			Readers: []Reader{{"x", []uint64{3, 1, 4, 2}, true}}},
		"the epoch changed": {Sent: sent(4), Acks: append(acks("a", 1, 2), acks("b", 3, 4)...),
			Readers: []Reader{{"x", sent(4), true}}, Record: &Record{"b", acks("b", 3, 4)}},
		"all is remembered": {Sent: sent(3), Acks: acks("a", 1, 2), Record: &Record{"a", acks("a", 1, 2, 3)}},
		"the oldest is forgot": {Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Record: &Record{"a", acks("a", 1, 2, 3)[1:]}},
		"acknowledged again":     {Sent: sent(1), Acks: append(acks("a", 1), acks("a", 1)...)},
		"published again later":  {Sent: sent(1), Acks: append(acks("a", 1), acks("b", 1)...)},
		"nothing was remembered": {Sent: sent(2), Acks: acks("a", 1, 2), Record: &Record{Epoch: "b"}},
	} {
		if faults := story.Faults(); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

func TestFaults_EachFaultIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		story Topic
		want  []Kind
	}{
		"a gap": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Readers: []Reader{{"x", []uint64{1, 3}, false}}}, []Kind{Gap}},
		"a gap at the end": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Readers: []Reader{{"x", []uint64{1, 2}, true}}}, []Kind{Gap}},
		"a gap at the begin": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Readers: []Reader{{"x", []uint64{2, 3}, true}}}, []Kind{Gap}},
		"a gap behind a break": {Topic{Sent: sent(4), Acks: acks("a", 1, 2, 3, 4),
			Readers: []Reader{{"x", []uint64{1, Break, 2, 4}, false}}}, []Kind{Gap}},
		"silence": {Topic{Sent: sent(1), Acks: acks("a", 1),
			Readers: []Reader{{"x", nil, true}}}, []Kind{Gap}},
		"a duplicate": {Topic{Sent: sent(2), Acks: acks("a", 1, 2),
			Readers: []Reader{{"x", []uint64{1, 2, 2}, true}}}, []Kind{Duplicate}},
		"a duplicate across a break": {Topic{Sent: sent(2), Acks: acks("a", 1, 2),
			Readers: []Reader{{"x", []uint64{1, 2, Break, 2}, false}}}, []Kind{Duplicate}},
		"a duplicate nobody acknowledged": {Topic{Sent: sent(1), Readers: []Reader{{"x", []uint64{1, 1}, false}}},
			[]Kind{Duplicate}},
		"two places": {Topic{Sent: sent(1), Acks: acks("a", 1, 1)}, []Kind{Duplicate}},
		"disorder": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Readers: []Reader{{"x", []uint64{1, 3, 2}, true}}}, []Kind{Disorder}},
		"disorder of epochs": {Topic{Sent: sent(2), Acks: append(acks("a", 1), acks("b", 2)...),
			Readers: []Reader{{"x", []uint64{2, 1}, true}}}, []Kind{Disorder}},
		"two orders, not acknowledged": {Topic{Sent: sent(2),
			Readers: []Reader{{"x", []uint64{1, 2}, false}, {"y", []uint64{2, 1}, false}}}, []Kind{Disorder}},
		"two at one place": {Topic{Sent: sent(2), Acks: []Ack{{1, "a", 7}, {2, "a", 7}}},
			[]Kind{Disorder}},
		"lost": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Record: &Record{"a", acks("a", 1, 2)}}, []Kind{Loss}},
		"all lost and the same epoch": {Topic{Sent: sent(2), Acks: acks("a", 1, 2), Record: &Record{Epoch: "a"}},
			[]Kind{Loss, Loss}},
		"remembered with a hole": {Topic{Sent: sent(3), Acks: acks("a", 1, 2, 3),
			Record: &Record{"a", []Ack{{1, "a", 1}, {3, "a", 3}}}}, []Kind{Gap, Loss}},
		"remembered elsewhere": {Topic{Sent: sent(2), Acks: []Ack{{1, "a", 1}},
			Record: &Record{"a", []Ack{{2, "a", 1}, {1, "a", 2}}}}, []Kind{Disorder}},
		"remembered twice": {Topic{Sent: sent(1), Record: &Record{"a", []Ack{{1, "a", 1}, {1, "a", 2}}}},
			[]Kind{Duplicate}},
		"heard and never sent": {Topic{Sent: sent(1), Readers: []Reader{{"x", []uint64{9}, false}}},
			[]Kind{Invention}},
		"acknowledged and never sent": {Topic{Acks: acks("a", 1)}, []Kind{Invention}},
		"remembered and never sent":   {Topic{Record: &Record{"a", acks("a", 1)}}, []Kind{Invention}},
	} {
		var kinds []Kind
		for _, f := range c.story.Faults() {
			if !slices.Contains(kinds, f.Kind) || c.want[0] == Loss {
				kinds = append(kinds, f.Kind)
			}
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, c.want) {
			t.Errorf("%s: found %v, want %v", name, c.story.Faults(), c.want)
		}
	}
}

func TestFaults_ManyAreCounted(t *testing.T) {
	story := Topic{Name: "t", Sent: sent(1000), Acks: acks("a", sent(1000)...),
		Readers: []Reader{{"x", []uint64{1, 1000}, true}}}
	faults := story.Faults()
	if len(faults) != most+1 || !strings.Contains(faults[most].String(), "995 more") {
		t.Errorf("got %v", faults)
	}
}
