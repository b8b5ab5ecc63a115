package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// slot is one Raft group and what leads to it: its log, its state machine, and the queue of what is to be agreed on.
type slot struct {
	number  uint16 // static, as are these
	store   *Store
	log     *groupLog
	machine *machine
	raft    *raft.Raft
	queue   *queue
	ended   sync.WaitGroup // the committer

	unsynced atomic.Bool // something relaxed was answered since the last sync

	seen          mark // what was answered; the committer's, as are these
	logged, count int  // bytes and entries since the last snapshot
}

const (
	heartbeat     = 500 * time.Millisecond
	electionLimit = 30 * time.Second
)

func newSlot(s *Store, number uint16) *slot {
	return &slot{number: number, store: s, log: &groupLog{entries: entries{number, s.db}}, queue: newQueue()}
}

func (s *slot) config() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = s.store.id
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = heartbeat, heartbeat, heartbeat/2
	c.CommitTimeout = 50 * time.Millisecond
	c.MaxAppendEntries, c.BatchApplyCh = batchCount, true
	c.NoSnapshotRestoreOnStart, c.NoLegacyTelemetry = true, true
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 24*time.Hour, 1<<62, keepCount // the committer asks for them
	c.Logger = raftLogger(s.store.cfg.Logger, s.number)
	return c
}

// start runs the group, and waits until it takes publishes.
func (s *slot) start(seen mark) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("slot %d: %w", s.number, err)
		}
	}()
	m := markers{s.number, s.store.db}
	if err := s.restore(m); err != nil {
		return err
	}
	if s.machine, err = newMachine(s.number, s.store.db, s.store.cfg.Logger); err != nil {
		return err
	}
	if err := s.mendLog(m); err != nil {
		return err
	}
	s.seen = seen
	lost, err := s.missing(m, seen)
	if err != nil {
		return err
	}
	if s.store.anew {
		lost = lostAny
	}
	voters, err := s.run(m)
	if err != nil {
		return err
	}
	s.ended.Go(s.committing)
	if voters == 1 {
		return s.settle(lost)
	}
	if s.store.anew && !s.store.made { // it may have voted and agreed to what it does not know of
		return errors.New("it is a copy of a node of a cluster; remove this node from the cluster, empty its directory, and add it again")
	}
	return nil
}

// restore completes what another node sent and a crash interrupted.
func (s *slot) restore(m markers) error {
	newest, err := m.newest()
	if err != nil || newest == nil || newest.pieces == 0 {
		return err
	}
	return receive(s.store.db, s.number, &pieces{markers: m, left: newest.pieces})
}

// run starts the group; at its first start it has one voter, unless it joins others. It tells how many there are.
func (s *slot) run(m markers) (voters int, err error) {
	votes, transport := votes{s.number, s.store.db}, s.store.cfg.Transport(int(s.number), s.store.id)
	known, err := raft.HasExistingState(s.log, votes, m)
	if err != nil {
		return 0, err
	}
	config := s.config()
	if !known && !s.store.cfg.Joins {
		first := raft.Configuration{Servers: []raft.Server{{ID: s.store.id, Address: transport.LocalAddr()}}}
		if err := raft.BootstrapCluster(config, s.log, votes, m, transport, first); err != nil {
			return 0, err
		}
	}
	if s.raft, err = raft.NewRaft(config, s.machine, s.log, votes, m, transport); err != nil {
		return 0, err
	}
	members := s.raft.GetConfiguration()
	if err := members.Error(); err != nil {
		return 0, err
	}
	for _, member := range members.Configuration().Servers {
		if member.Suffrage == raft.Voter {
			voters++
		}
	}
	if voters == 1 { // nobody to wait for
		err = transport.TimeoutNow(s.store.id, transport.LocalAddr(), &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}, &raft.TimeoutNowResponse{})
	}
	return voters, err
}

// settle waits for the election, and for all that the log holds to be applied. If answered events are lost, or may be,
// all topics of the slot begin new epochs.
func (s *slot) settle(lost loss) error {
	for limit := time.Now().Add(electionLimit); s.raft.State() != raft.Leader; {
		if time.Now().After(limit) {
			return fmt.Errorf("it has no leader after %s", electionLimit)
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.raft.Barrier(electionLimit).Error(); err != nil {
		return err
	}
	if s.machine.broken != nil {
		return s.machine.broken
	}
	first := *s.machine.seeds.Load() == seeds{}
	if lost == lostNothing && !first {
		return nil
	}
	if err := s.reseed(lost == lostRelaxed && !first); err != nil {
		return err
	}
	return s.raft.Snapshot().Error() // from now on the members are known even if the log is damaged
}

// reseed begins new epochs: of all topics, or of the relaxed ones.
func (s *slot) reseed(relaxedOnly bool) error {
	o := operation{deed: deedReseed, part: relaxedOnly}
	if _, err := rand.Read(o.seed[:]); err != nil {
		return err
	}
	return s.await(&o)
}

// loss is what was answered and is not there any more.
type loss int

const (
	lostNothing loss = iota
	lostRelaxed      // only what was answered before the disk had it
	lostAny
)

// missing compares the log with what the witness saw, and says what is lost.
func (s *slot) missing(m markers, seen mark) (lost loss, err error) {
	newest, err := m.newest()
	if err != nil {
		return 0, err
	}
	cut := uint64(0)
	if newest != nil {
		cut = newest.index
	}
	for i, at := range []spot{seen.relaxed, seen.strict} {
		there, err := s.holds(cut, at)
		if err != nil {
			return 0, err
		}
		if !there {
			lost = lostRelaxed + loss(i)
		}
	}
	if lost == lostNothing {
		return lost, nil
	}
	last, err := s.log.LastIndex()
	s.store.cfg.Logger.Error("the newest events of a slot are lost, though they were answered; its topics keep what is older and begin new epochs",
		"slot", s.number, "relaxed_topics_only", lost == lostRelaxed, "answered_up_to_entry", seen.relaxed.index, "found_up_to_entry", last)
	return lost, err
}

// holds reports whether an entry is in the log or in front of where it was cut.
func (s *slot) holds(cut uint64, at spot) (bool, error) {
	if at.index <= cut {
		return true, nil
	}
	var l raft.Log
	err := s.log.GetLog(at.index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return false, nil
	}
	return l.Term == at.term, err
}

func (s *slot) stop() {
	s.queue.close()
	s.ended.Wait()
	if s.raft != nil {
		if err := s.raft.Shutdown().Error(); err != nil && !errors.Is(err, raft.ErrRaftShutdown) {
			s.store.cfg.Logger.Error("a slot did not end as it should", "slot", s.number, "cause", err)
		}
	}
	s.log.close()
}
