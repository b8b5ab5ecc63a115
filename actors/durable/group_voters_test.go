package durable

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history/suite"
	"github.com/parley-realtime/parley/protocol"
)

// inTrio plays with three stores, on disks in memory, whose one group has a vote of each. The first one leads.
func inTrio(t *testing.T, play func(t *testing.T, all []*Store)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // calls to a store that is closed run out
		w := &network{all: map[int][]*raft.InmemTransport{}}
		var all []*Store
		for i := range 3 {
			s := open(t, "data", Config{
				Partitions: 1, Files: vfs.NewMem(), Reserve: 1 << 20, Transport: w.transport, Joins: i > 0,
			})
			if all = append(all, s); i > 0 {
				add := all[0].partitions[0].raft.AddVoter(s.id, raft.ServerAddress(s.id), 0, 5*time.Second)
				if err := add.Error(); err != nil {
					t.Fatal(err)
				}
			}
		}
		level(t, all...)
		play(t, all)
	})
}

// level waits until all stores have applied the same.
func level(t *testing.T, all ...*Store) {
	t.Helper()
	for range 10_000 {
		low, top := ^uint64(0), uint64(0)
		for _, s := range all {
			at := s.partitions[0].raft.AppliedIndex()
			low, top = min(low, at), max(top, at)
		}
		if low == top {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("they are not level")
}

// leaderOf waits until one of the stores leads and has applied all that those before it have agreed on.
func leaderOf(t *testing.T, all ...*Store) *Store {
	t.Helper()
	for range 10_000 {
		for _, s := range all {
			if r := s.partitions[0].raft; r.State() == raft.Leader && r.Barrier(time.Second).Error() == nil {
				return s
			}
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nobody leads")
	return nil
}

// breakHead flips a bit of what a store knows of a topic, which it then has to read from its disk.
func breakHead(t *testing.T, s *Store, name string) {
	t.Helper()
	one := s.partitionOf("acme", name)
	key := headKey(one.number, "acme", name)
	value, closer, err := s.db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	value = append([]byte(nil), value...)
	closer.Close()
	value[6] ^= 1
	if err := s.db.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	one.machine.heads.Purge()
}

// Row 1 of cluster.md: every voter cuts its log, not the leader alone, and leaves what another one may need.
func TestGroup_EveryVoterCutsItsLog(t *testing.T) {
	inTrio(t, func(t *testing.T, all []*Store) {
		h := topic(t, all[0], "room", keepAll)
		for i := range 900 {
			suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 2000), true, suite.Begin)
		}
		level(t, all...)
		synctest.Wait()
		for i, s := range all {
			first, _ := s.partitions[0].log.FirstIndex()
			last, _ := s.partitions[0].log.LastIndex()
			if n := last - first + 1; n < 400 || n > 600 {
				t.Errorf("the log of node %d has %d entries", i, n)
			}
		}
	})
}

// Row 4 of cluster.md: what is damaged at one node is not cut off at the others. The node makes room for one of them,
// and nobody misses an event.
func TestGroup_DamageAtOneVoterIsCutOffNowhere(t *testing.T) {
	inTrio(t, func(t *testing.T, all []*Store) {
		h := topic(t, all[0], "room", keepAll)
		suite.AddMany(t, h, 1, 10, 100, true, suite.Begin)
		level(t, all...)
		changeEvent(t, all[0], "room", 10, func(b []byte) []byte { b[30] ^= 1; return b })
		_, err := all[0].OpenTopic("acme", "room", keepAll)
		var refusal *protocol.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != protocol.Busy || refusal.RetryAfter == 0 {
			t.Fatalf("a damaged topic is opened: %v", err)
		}
		next := leaderOf(t, all...)
		if next == all[0] {
			t.Fatal("the damaged node leads")
		}
		again := topic(t, next, "room", keepAll)
		if again.Position() != h.Position() || intactUpTo(t, again) != 10 {
			t.Errorf("it is at %+v, was at %+v", again.Position(), h.Position())
		}
	})
}

// Row 5 of cluster.md: a voter that cannot apply an entry, since its disk fails, ends. It does not pass over the entry
// and go on with another state than the others.
func TestGroup_AVoterThatCannotApplyAnEntryEnds(t *testing.T) {
	for _, broken := range []int{0, 2} {
		t.Run(fmt.Sprint("node ", broken), func(t *testing.T) {
			inTrio(t, func(t *testing.T, all []*Store) {
				h := topic(t, all[0], "room", keepAll)
				suite.AddMany(t, h, 1, 10, 20, true, suite.Begin)
				level(t, all...)
				breakHead(t, all[broken], "room")
				add(t, h, "11") // a leader that breaks does not answer
				time.Sleep(time.Minute)
				rest := append(append([]*Store(nil), all[:broken]...), all[broken+1:]...)
				leader := leaderOf(t, rest...)
				again := topic(t, leader, "room", keepAll)
				if out := add(t, again, "11"); out.Err != nil || !out.Duplicate || out.Position.Offset != 11 {
					t.Errorf("the event that was agreed on is not there: %+v", out)
				}
				one := all[broken].partitions[0]
				if one.raft.State() != raft.Shutdown || one.machine.broken == nil {
					t.Errorf("the node is %v, %v", one.raft.State(), one.machine.broken)
				}
				level(t, rest...)
				if streamOf(t, rest[0].partitions[0]) != streamOf(t, rest[1].partitions[0]) {
					t.Error("the others differ")
				}
			})
		})
	}
}

// Row 14 of cluster.md: a node that stops has another one lead first, so that nobody waits for an election.
func TestGroup_ANodeThatStopsHandsTheLeadOver(t *testing.T) {
	inTrio(t, func(t *testing.T, all []*Store) {
		suite.Add(t, topic(t, all[0], "room", keepAll), suite.Event(t, "1", 20), true, suite.Begin)
		level(t, all...)
		begin := time.Now()
		closeStore(t, all[0])
		next := leaderOf(t, all[1:]...)
		if took := time.Since(begin); took >= heartbeat/2 {
			t.Errorf("the next one leads after %s", took)
		}
		if p := topic(t, next, "room", keepAll).Position(); p.Offset != 1 {
			t.Errorf("it is at %+v", p)
		}
	})
}
