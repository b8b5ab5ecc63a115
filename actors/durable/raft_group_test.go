package durable

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// network connects the partitions of stores in this process.
type network struct {
	all map[int][]*raft.InmemTransport // by partition
}

func (w *network) transport(partition int, id raft.ServerID) raft.Transport {
	address, t := raft.NewInmemTransport(raft.ServerAddress(id))
	t.Connect(address, t)
	for _, other := range w.all[partition] {
		t.Connect(other.LocalAddr(), other)
		other.Connect(address, t)
	}
	w.all[partition] = append(w.all[partition], t)
	return t
}

// A second store that joins the group gets the state of the first one, by a snapshot's stream since the log is cut, and
// then entry by entry; both hold the same, byte by byte.
func TestGroup_AnotherNodeGetsTheStateAndFollows(t *testing.T) {
	w := &network{all: map[int][]*raft.InmemTransport{}}
	one := open(t, t.TempDir(), Config{Partitions: 1, Transport: w.transport})
	h := topic(t, one, "room", Rule{Bounds: history.Bounds{Count: 600, Bytes: 1 << 30}, Dedup: time.Minute})
	for i := range 500 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 200), true, suite.Begin)
	}
	leader := one.partitions[0]
	err := leader.raft.ReloadConfig(raft.ReloadableConfig{
		TrailingLogs: 1, SnapshotInterval: time.Hour, SnapshotThreshold: 1 << 62,
		HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := leader.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	two := open(t, t.TempDir(), Config{Partitions: 1, Transport: w.transport, Joins: true})
	follower := two.partitions[0]
	if err := leader.raft.AddNonvoter(two.id, raft.ServerAddress(two.id), 0, 5*time.Second).Error(); err != nil {
		t.Fatal(err)
	}
	waitApplied(t, leader, follower)
	for i := range 1000 {
		ev := suite.Event(t, fmt.Sprintf("more %d", i), 200)
		suite.Add(t, h, ev, true, suite.Begin.Add(time.Duration(i)*time.Second))
	}
	waitApplied(t, leader, follower)
	if a, b := streamOf(t, leader), streamOf(t, follower); a != b {
		t.Errorf("the nodes hold %d and %d bytes, which differ", len(a), len(b))
	}
	marked, err := (snapshots{0, two.db}).newest()
	if err != nil || marked == nil || marked.chunks != 0 || countKeys(t, two, prefixChunk) != 0 {
		t.Errorf("the snapshot is not restored: %+v, %v, %d pieces", marked, err, countKeys(t, two, prefixChunk))
	}
	again, err := two.OpenTopic("acme", "room", keepAll)
	if err != nil || again.Position() != h.Position() {
		t.Errorf("the follower is at %+v, %v, the leader at %+v", again.Position(), err, h.Position())
	}
	if err := leader.raft.RemoveServer(two.id, 0, 5*time.Second).Error(); err != nil {
		t.Fatal(err)
	}
}

// waitApplied waits until both have applied the same.
func waitApplied(t *testing.T, a, b *partition) {
	t.Helper()
	if err := a.raft.Barrier(5 * time.Second).Error(); err != nil {
		t.Fatal(err)
	}
	limit := time.Now().Add(20 * time.Second)
	for ; b.raft.AppliedIndex() < a.raft.AppliedIndex(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("the follower is at %d, the leader at %d", b.raft.AppliedIndex(), a.raft.AppliedIndex())
		}
	}
	if err := b.raft.Barrier(0).Error(); err == nil {
		t.Error("the follower leads")
	}
}

func streamOf(t *testing.T, s *partition) string {
	t.Helper()
	r, size, err := stream(s.storage.db, s.number)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != size {
		t.Fatalf("%d bytes, announced were %d: %v", len(b), size, err)
	}
	return string(b)
}

// A stream that was changed on its way is not taken for a state.
func TestStream_ADamagedOneIsRefused(t *testing.T) {
	from := open(t, t.TempDir(), Config{Partitions: 1})
	h := topic(t, from, "room", keepAll)
	for i := range 10 {
		suite.Add(t, h, suite.Event(t, fmt.Sprint(i), 20), true, suite.Begin)
	}
	good := streamOf(t, from.partitions[0])
	to := open(t, t.TempDir(), Config{Partitions: 1})
	for i := 0; i < len(good); i += 37 {
		bad := []byte(good)
		bad[i] ^= 4
		if err := receive(to.db, 0, bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d of %d is not missed", i, len(good))
		}
		if err := receive(to.db, 0, bytes.NewReader([]byte(good[:i]))); err == nil {
			t.Fatalf("the end from %d on is not missed", i)
		}
	}
	if err := receive(to.db, 0, bytes.NewReader([]byte(good))); err != nil || streamOf(t, to.partitions[0]) != good {
		t.Errorf("the good one: %v", err)
	}
}
