package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// partition is one Raft group with what leads to it: its log, its state machine, and the queue of the requests that the
// group has yet to agree on.
type partition struct {
	number  uint16 // static, as are these
	storage *storage
	log     *groupLog
	queue   *queue

	machine   *stateMachine // set by start, as are these
	state     stateReader   // of machine
	raft      *raft.Raft
	committer *committer
	compactor *compactor
	ended     sync.WaitGroup // the committer
	cutting   sync.WaitGroup // the compactor
}

func newPartition(s *storage, number uint16) *partition {
	return &partition{number: number, storage: s, log: &groupLog{entries: entries{number, s.db}}, queue: newQueue()}
}

// start runs the group and returns when it takes publishes. With newEpochs, all topics begin new epochs.
func (p *partition) start(acked ackedEntries, newEpochs bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("slot %d: %w", p.number, err)
		}
	}()
	m := snapshots{p.number, p.storage.db}
	if err := p.restore(m); err != nil {
		return err
	}
	p.compactor = newCompactor(p.number, p.storage.guard.reserve, p.storage.cfg.Logger)
	if p.machine, err = newStateMachine(p.number, p.storage.db, p.storage.cfg.Logger, p.compactor); err != nil {
		return err
	}
	p.state = stateReader{p.machine}
	recovery := logRecovery{machine: p.machine, log: p.log, snapshots: m, logger: p.storage.cfg.Logger}
	if err := recovery.repair(); err != nil {
		return err
	}
	lost, err := recovery.findLoss(acked)
	if err != nil {
		return err
	}
	if newEpochs {
		lost = lostAny
	}
	voters, err := p.run(m)
	if err != nil {
		return err
	}
	p.committer = &committer{
		partition: p.number, queue: p.queue, raft: p.raft, guard: p.storage.guard, marker: p.storage.commitMarker,
		log: p.storage.cfg.Logger, acked: acked,
	}
	p.ended.Go(p.committer.run)
	p.compactor.raft = p.raft
	p.cutting.Go(p.compactor.run)
	if voters == 1 {
		return p.becomeReady(lost)
	}
	if newEpochs && !p.storage.created { // it may have voted and agreed to entries that it no longer has
		return errors.New("it is a copy of a node of a cluster; " + addAgain)
	}
	return nil
}

// restore completes a snapshot that another node sent and whose restoring a crash interrupted.
func (p *partition) restore(m snapshots) error {
	newest, err := m.newest()
	if err != nil || newest == nil || newest.chunks == 0 {
		return err
	}
	return receive(p.storage.db, p.number, &snapshotChunks{snapshots: m, left: newest.chunks})
}

// run starts the group and returns how many voters it has. A new group has one, unless it joins others.
func (p *partition) run(m snapshots) (voters int, err error) {
	votes, transport := votes{p.number, p.storage.db}, p.storage.cfg.Transport(int(p.number), p.storage.id)
	known, err := raft.HasExistingState(p.log, votes, m)
	if err != nil {
		return 0, err
	}
	config := raftConfig(p.storage.id, p.number, p.storage.cfg.Logger)
	if !known && !p.storage.cfg.Joins {
		first := raft.Configuration{Servers: []raft.Server{{ID: p.storage.id, Address: transport.LocalAddr()}}}
		if err := raft.BootstrapCluster(config, p.log, votes, m, transport, first); err != nil {
			return 0, err
		}
	}
	if p.raft, err = raft.NewRaft(config, p.machine, p.log, votes, m, transport); err != nil {
		return 0, err
	}
	members := p.raft.GetConfiguration()
	if err := members.Error(); err != nil {
		return 0, err
	}
	voters = countVoters(members.Configuration())
	if voters == 1 { // there is nobody to wait for
		elect := raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}
		err = transport.TimeoutNow(p.storage.id, transport.LocalAddr(), &elect, &raft.TimeoutNowResponse{})
	}
	return voters, err
}

// becomeReady waits until the group has elected its leader and has applied all that its log holds. If answered events
// are lost, or may be, all topics of the partition begin new epochs.
func (p *partition) becomeReady(lost loss) error {
	for limit := time.Now().Add(electionTimeout); p.raft.State() != raft.Leader; {
		if time.Now().After(limit) {
			return fmt.Errorf("it has no leader after %s", electionTimeout)
		}
		time.Sleep(time.Millisecond)
	}
	if err := p.raft.Barrier(electionTimeout).Error(); err != nil {
		return err
	}
	if p.machine.broken != nil {
		return p.machine.broken
	}
	first := *p.machine.seeds.Load() == seeds{}
	if lost == lostNothing && !first {
		return nil
	}
	if err := p.reseed(lost == lostRelaxed && !first); err != nil {
		return err
	}
	return p.raft.Snapshot().Error() // from now on the members are known even if the log is damaged
}

// reseed begins new epochs of all topics, or of the relaxed ones.
func (p *partition) reseed(relaxedOnly bool) error {
	o := operation{op: opReseed, relaxedOnly: relaxedOnly}
	if _, err := rand.Read(o.seed[:]); err != nil {
		return err
	}
	return p.queue.await(&o)
}

// handOver has another voter lead the group, if this node leads it and there is one. It waits for that, for up to twice
// the heartbeat.
func (p *partition) handOver() {
	if p.raft.State() != raft.Leader || p.machine.voters.alone() {
		return
	}
	if err := p.raft.LeadershipTransfer().Error(); err != nil {
		p.storage.cfg.Logger.Warn("no other node took the lead of a slot", "slot", p.number, "cause", err)
	}
}

// stop ends the partition. Another node leads the group by then, if one could be found.
func (p *partition) stop() {
	p.queue.close()
	p.ended.Wait()
	if p.raft != nil {
		p.handOver()
		if err := p.raft.Shutdown().Error(); err != nil && !errors.Is(err, raft.ErrRaftShutdown) {
			p.storage.cfg.Logger.Error("a slot did not end as it should", "slot", p.number, "cause", err)
		}
		close(p.compactor.ended)
		p.cutting.Wait()
	}
	p.log.close()
}

// renew gives new epochs to those topics of the partition for which missed is true, and to all that nobody has
// published to, since the store has no names of those.
func (p *partition) renew(missed TopicMatcher) (count int, err error) {
	pending := []*operation{{op: opRenew}}
	err = p.state.eachTopic(func(tenant, topic string, _ *head) error {
		if !missed(tenant, topic) {
			return nil
		}
		count++
		pending = append(pending, &operation{op: opRenew, tenant: tenant, topic: topic})
		if len(pending) < batchCount {
			return nil
		}
		err := p.queue.awaitAll(pending)
		pending = pending[:0]
		return err
	})
	return count, errors.Join(err, p.queue.awaitAll(pending))
}
