package member

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/cluster/message"
)

func states(changes []Change) (all []State) {
	for _, c := range changes {
		all = append(all, c.Now)
	}
	return all
}

func TestTable_ASilentNodeIsSuspectThenGoneAndAliveWhenItIsHeard(t *testing.T) {
	table := NewTable(0, 2, 3)
	table.Heard(SuspectAfter, 3)
	for _, step := range []struct {
		at   time.Duration
		want []State
	}{
		{SuspectAfter - 1, nil},
		{SuspectAfter, []State{Suspect}},
		{SuspectAfter + 1, nil},
		{GoneAfter, []State{Gone, Suspect}},
	} {
		if got := states(table.Tick(step.at)); !slices.Equal(got, step.want) {
			t.Errorf("at %v: %v", step.at, got)
		}
	}
	if got := table.Heard(GoneAfter, 2); !slices.Equal(got, []Change{{2, Alive}}) || table.State(2) != Alive {
		t.Errorf("heard again: %v", got)
	}
}

func TestTable_ANodeIsDeadWhenItsConnectionIsClosedAndADialRefused(t *testing.T) {
	table := NewTable(0, 2)
	if got := table.Refused(2); got != nil || table.State(2) != Alive {
		t.Error("a refused dial beside a connection is no death")
	}
	table.Closed(2)
	if table.State(2) != Alive {
		t.Error("a closed connection alone is no death")
	}
	if got := table.Refused(2); !slices.Equal(got, []Change{{2, Dead}}) {
		t.Error(got)
	}
	if got := table.Tick(time.Hour); got != nil {
		t.Errorf("the dead became %v", got)
	}
	if table.Heard(time.Hour, 2); table.State(2) != Alive {
		t.Error("a node that is heard lives")
	}
}

func TestTable_StrangersAreNotTakenIn(t *testing.T) {
	table := NewTable(0, 2)
	table.Closed(9)
	changes := append(table.Heard(0, 9), table.Refused(9)...)
	if changes != nil || table.State(9).String() != "dead" {
		t.Error("a stranger has a state")
	}
}

func TestRank_SlotsSpreadAndOnlyThoseOfALostNodeMove(t *testing.T) {
	nodes := []message.Node{11, 12, 13}
	first := map[message.Node]int{}
	second := map[message.Node]int{} // of the slots of node 11
	for slot := range uint64(3000) {
		rank := Rank(slot, nodes)
		first[rank[0]]++
		without := Rank(slot, []message.Node{13, 12})
		if rank[0] != 11 && without[0] != rank[0] {
			t.Fatalf("slot %d moved", slot)
		}
		if rank[0] == 11 {
			second[without[0]]++
		}
	}
	for _, id := range nodes {
		if first[id] < 900 || first[id] > 1100 {
			t.Errorf("node %d has %d of 3,000 slots", id, first[id])
		}
	}
	if second[12] < 400 || second[13] < 400 {
		t.Errorf("the slots of a lost node go to %v", second)
	}
}
