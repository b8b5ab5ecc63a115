package durable

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// slot is one Raft group and what leads to it: its log, its state machine, and the queue of what is to be agreed on.
type partition struct {
	number  uint16 // static, as are these
	store   *Store
	log     *groupLog
	machine *stateMachine
	raft    *raft.Raft
	queue   *queue
	ended   sync.WaitGroup // the committer

	unsynced atomic.Bool // something relaxed was answered since the last sync

	acked                    ackedEntries // what was answered; the committer's, as are these
	uncutBytes, uncutEntries int          // bytes and entries since the last snapshot
}

const (
	heartbeat       = 500 * time.Millisecond
	electionTimeout = 30 * time.Second
)

func newPartition(s *Store, number uint16) *partition {
	return &partition{number: number, store: s, log: &groupLog{entries: entries{number, s.db}}, queue: newQueue()}
}

func (p *partition) config() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = p.store.id
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = heartbeat, heartbeat, heartbeat/2
	c.CommitTimeout = 50 * time.Millisecond
	c.MaxAppendEntries, c.BatchApplyCh = batchCount, true
	c.NoSnapshotRestoreOnStart, c.NoLegacyTelemetry = true, true
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 24*time.Hour, 1<<62, trailingEntries // the committer asks for them
	c.Logger = raftLogger(p.store.cfg.Logger, p.number)
	return c
}

// start runs the group, and waits until it takes publishes.
func (p *partition) start(acked ackedEntries) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("slot %d: %w", p.number, err)
		}
	}()
	m := snapshots{p.number, p.store.db}
	if err := p.restore(m); err != nil {
		return err
	}
	if p.machine, err = newStateMachine(p.number, p.store.db, p.store.cfg.Logger); err != nil {
		return err
	}
	if err := p.repairLog(m); err != nil {
		return err
	}
	p.acked = acked
	lost, err := p.findLoss(m, acked)
	if err != nil {
		return err
	}
	if p.store.newEpochs {
		lost = lostAny
	}
	voters, err := p.run(m)
	if err != nil {
		return err
	}
	p.ended.Go(p.runCommitter)
	if voters == 1 {
		return p.becomeReady(lost)
	}
	if p.store.newEpochs && !p.store.created { // it may have voted and agreed to what it does not know of
		return errors.New("it is a copy of a node of a cluster; remove this node from the cluster, empty its directory, and add it again")
	}
	return nil
}

// restore completes what another node sent and a crash interrupted.
func (p *partition) restore(m snapshots) error {
	newest, err := m.newest()
	if err != nil || newest == nil || newest.chunks == 0 {
		return err
	}
	return receive(p.store.db, p.number, &snapshotChunks{snapshots: m, left: newest.chunks})
}

// run starts the group; at its first start it has one voter, unless it joins others. It tells how many there are.
func (p *partition) run(m snapshots) (voters int, err error) {
	votes, transport := votes{p.number, p.store.db}, p.store.cfg.Transport(int(p.number), p.store.id)
	known, err := raft.HasExistingState(p.log, votes, m)
	if err != nil {
		return 0, err
	}
	config := p.config()
	if !known && !p.store.cfg.Joins {
		first := raft.Configuration{Servers: []raft.Server{{ID: p.store.id, Address: transport.LocalAddr()}}}
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
	for _, member := range members.Configuration().Servers {
		if member.Suffrage == raft.Voter {
			voters++
		}
	}
	if voters == 1 { // nobody to wait for
		err = transport.TimeoutNow(p.store.id, transport.LocalAddr(), &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}, &raft.TimeoutNowResponse{})
	}
	return voters, err
}

// settle waits for the election, and for all that the log holds to be applied. If answered events are lost, or may be,
// all topics of the slot begin new epochs.
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

// reseed begins new epochs: of all topics, or of the relaxed ones.
func (p *partition) reseed(relaxedOnly bool) error {
	o := operation{op: opReseed, relaxedOnly: relaxedOnly}
	if _, err := rand.Read(o.seed[:]); err != nil {
		return err
	}
	return p.await(&o)
}

func (p *partition) stop() {
	p.queue.close()
	p.ended.Wait()
	if p.raft != nil {
		if err := p.raft.Shutdown().Error(); err != nil && !errors.Is(err, raft.ErrRaftShutdown) {
			p.store.cfg.Logger.Error("a slot did not end as it should", "slot", p.number, "cause", err)
		}
	}
	p.log.close()
}

// renew gives new epochs to the topics of a slot that were missed, and to all that nobody has published to: of those the
// store has no name.
func (p *partition) renew(missed Covers) (count int, err error) {
	pending := []*operation{{op: opRenew}}
	from, to := keyRange(letterHead, p.number)
	it, err := p.store.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		tenant, rest, _ := bytes.Cut(it.Key()[len(from):], []byte{0})
		topic := string(bytes.TrimSuffix(rest, []byte{0}))
		if !missed(string(tenant), topic) {
			continue
		}
		count++
		if pending = append(pending, &operation{op: opRenew, tenant: string(tenant), topic: topic}); len(pending) == batchCount {
			if err := p.awaitAll(pending); err != nil {
				return count, err
			}
			pending = pending[:0]
		}
	}
	return count, errors.Join(it.Error(), p.awaitAll(pending))
}
