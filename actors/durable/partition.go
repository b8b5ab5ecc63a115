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

// partition is one Raft group with what leads to it: its log, its state machine, and the queue of the requests that the
// group has yet to agree on.
type partition struct {
	number  uint16 // static, as are these
	store   *Store
	log     *groupLog
	machine *stateMachine
	raft    *raft.Raft
	queue   *queue
	ended   sync.WaitGroup // the committer

	unsynced atomic.Bool // a relaxed publish was answered since the last sync

	acked                    ackedEntries // the newest entries that were answered; owned by the committer, as are these
	uncutBytes, uncutEntries int          // bytes and entries since the last snapshot
}

// addAgain is the advice to the operator of a node whose groups have other members that know better.
const addAgain = "remove this node from the cluster, empty its directory, and add it again"

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
	// The committer takes the snapshots.
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = 24*time.Hour, 1<<62, trailingEntries
	c.Logger = raftLogger(p.store.cfg.Logger, p.number)
	return c
}

// start runs the group and returns when it takes publishes.
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
	if p.store.newEpochs && !p.store.created { // it may have voted and agreed to entries that it no longer has
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
	return receive(p.store.db, p.number, &snapshotChunks{snapshots: m, left: newest.chunks})
}

// run starts the group and returns how many voters it has. A new group has one, unless it joins others.
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
	if voters == 1 { // there is nobody to wait for
		elect := raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}
		err = transport.TimeoutNow(p.store.id, transport.LocalAddr(), &elect, &raft.TimeoutNowResponse{})
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

// renew gives new epochs to those topics of the partition for which missed is true, and to all that nobody has
// published to, since the store has no names of those.
func (p *partition) renew(missed TopicMatcher) (count int, err error) {
	pending := []*operation{{op: opRenew}}
	from, to := keyRange(prefixHead, p.number)
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
		pending = append(pending, &operation{op: opRenew, tenant: string(tenant), topic: topic})
		if len(pending) == batchCount {
			if err := p.awaitAll(pending); err != nil {
				return count, err
			}
			pending = pending[:0]
		}
	}
	return count, errors.Join(it.Error(), p.awaitAll(pending))
}
