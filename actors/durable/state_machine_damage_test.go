package durable

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// add adds an event and returns its outcome, whatever that is.
func add(t *testing.T, h *Topic, id string) history.Outcome {
	t.Helper()
	answer := make(chan history.Outcome, 1)
	h.Add(suite.Event(t, id, 100), true, suite.Begin, func(o history.Outcome) { answer <- o })
	out := <-answer
	h.Settle(out)
	return out
}

// Row 5 of cluster.md: a node alone makes a damaged head again when it meets it, with a new epoch. The publish and what
// was answered before are there, now and after a start that applies the entry again.
func TestStateMachine_ADamagedHeadOfANodeAloneIsMendedAtAPublish(t *testing.T) {
	dir, j := t.TempDir(), &logBuffer{}
	s := open(t, dir, Config{Partitions: 1, Logger: j.logger()})
	h := topic(t, s, "room", keepAll)
	suite.AddMany(t, h, 1, 10, 100, true, suite.Begin)
	was := h.Position()
	breakHead(t, s, "room")
	out := add(t, h, "11")
	if out.Err != nil || out.Position.Offset != 11 || out.Position.Epoch == was.Epoch {
		t.Fatalf("%+v, the topic was at %+v", out, was)
	}
	if !j.has("is damaged and made again from its events") || !j.has("kept_up_to=10") {
		t.Errorf("it says:\n%s", j)
	}
	stored, err := s.partitions[0].state.head("acme", "room")
	if err != nil || stored.rule.Bounds.Count < 1<<30 || stored.rule.Dedup != MaxDedup {
		t.Errorf("without a rule it keeps by %+v, %v", stored.rule, err)
	}
	if again := add(t, h, "10"); !again.Duplicate || again.Position.Offset != 10 {
		t.Errorf("an id from before: %+v", again)
	}
	if out := add(t, h, "12"); out.Position.Offset != 12 {
		t.Errorf("the next one: %+v", out)
	}
	if stored, err = s.partitions[0].state.head("acme", "room"); err != nil || stored.rule != keepAll {
		t.Errorf("the rule of its owner is not back: %+v, %v", stored.rule, err)
	}
	at := h.Position()
	closeStore(t, s)
	s = open(t, dir, Config{Partitions: 1})
	if h = topic(t, s, "room", keepAll); h.Position() != at || intactUpTo(t, h) != 12 {
		t.Errorf("after a start it is at %+v, was at %+v", h.Position(), at)
	}
}

// Row 5 of cluster.md: an id that a node alone cannot read is not seen, and the slot goes on.
func TestStateMachine_ADamagedIDOfANodeAloneIsANewOne(t *testing.T) {
	j := &logBuffer{}
	s := open(t, t.TempDir(), Config{Partitions: 1, Logger: j.logger()})
	h := topic(t, s, "room", keepAll)
	add(t, h, "1")
	from, to := keyRange(prefixID, 0)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil || !it.First() {
		t.Fatal("no id is stored", err)
	}
	if err := errors.Join(s.db.Set(it.Key(), []byte("x"), pebble.Sync), it.Close()); err != nil {
		t.Fatal(err)
	}
	if out := add(t, h, "1"); out.Err != nil || out.Duplicate || out.Position.Offset != 2 {
		t.Errorf("%+v", out)
	}
	if out := add(t, h, "1"); !out.Duplicate || out.Position.Offset != 2 {
		t.Errorf("from now on: %+v", out)
	}
	if !j.has("an id of a durable topic is damaged") {
		t.Errorf("it says:\n%s", j)
	}
}

// Row 9 of cluster.md: the epoch of a topic that was only asked for depends on the log, and not on what is in memory.
func TestStateMachine_ATopicThatIsNotStoredIsNotKeptInMemory(t *testing.T) {
	s := open(t, t.TempDir(), Config{Partitions: 1})
	one := s.partitions[0]
	if err := one.queue.await(&operation{op: opTrim, tenant: "acme", topic: "room", offset: 7}); err != nil {
		t.Fatal(err)
	}
	if err := one.queue.await(&operation{op: opRenew}); err != nil { // as when another topic is forgotten
		t.Fatal(err)
	}
	h := topic(t, s, "room", keepAll)
	was := h.Position()
	if out := add(t, h, "1"); out.Position.Epoch != was.Epoch {
		t.Errorf("it was opened in %s and goes on in %s", was.Epoch, out.Position.Epoch)
	}
}

// A topic that is forgotten and published to in one entry of the log comes back as a new one.
func TestStateMachine_ATopicIsForgottenAndComesBackInOneEntry(t *testing.T) {
	s := open(t, t.TempDir(), Config{Partitions: 1})
	one := s.partitions[0]
	h := topic(t, s, "room", keepAll)
	add(t, h, "1")
	add(t, h, "2")
	was := h.Position()
	o := operation{
		op: opAdd, tenant: "acme", topic: "room", now: h.clock.at(suite.Begin), dedup: true, rule: &keepAll,
		body: appendEvent(nil, "room", suite.Event(t, "3", 20)),
	}
	forget := operation{op: opForget, tenant: "acme", topic: "room", offset: 2}
	entry, _ := encodeEntry([]request{{operation: forget.append(nil)}, {operation: o.append(nil)}})
	future := one.raft.Apply(entry, time.Minute)
	if err := future.Error(); err != nil {
		t.Fatal(err)
	}
	out := future.Response().(*applyResult).outcomes[1]
	if out.Position.Offset != 1 || out.Position.Epoch == was.Epoch {
		t.Errorf("it comes back at %+v, was at %+v", out.Position, was)
	}
	if entries, err := topic(t, s, "room", keepAll).Read(0, 10, suite.Begin); err != nil || len(entries) != 1 {
		t.Errorf("%d events, %v", len(entries), err)
	}
}
