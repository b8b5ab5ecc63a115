package durable

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"github.com/parley-realtime/parley/protocol"
)

// Store holds all durable topics of a node. Its methods may be called from any goroutine until Close is called.
type Store struct {
	storage     // static, as are these
	partitions  []*partition
	stop        chan struct{}  // closed by Close
	running     sync.WaitGroup // retention, sync and clock
	checkpoints checkpoints
	newEpochs   bool // of all topics, at this start; false once SetRules was told the rules
}

// Open opens the store in a directory, or makes one, and returns when every partition takes publishes, however long
// that takes (see Begin). Its errors are sentences for an operator.
func Open(dir string, cfg Config) (*Store, error) { return Begin(dir, cfg).Wait(context.Background()) }

// Close ends all that the store does and waits for it. Publishes that are not answered by then are answered with an
// error.
func (s *Store) Close() error {
	s.checkpoints.close()
	close(s.stop)
	s.running.Wait()
	s.tick(s.cfg.Clock())
	return s.release()
}

// release closes what is open.
func (s *Store) release() error {
	var all sync.WaitGroup
	for _, one := range s.partitions {
		all.Go(one.stop)
	}
	all.Wait()
	return s.storage.close()
}

// runSync brings relaxed publishes to the disk, again and again.
func (s *Store) runSync() { s.every(s.cfg.SyncEvery, s.sync) }

func (s *Store) sync(time.Time) {
	dirty := false
	for _, one := range s.partitions {
		dirty = one.committer.unsynced.Swap(false) || dirty
	}
	if dirty {
		if err := s.db.LogData(nil, pebble.Sync); err != nil {
			s.cfg.Logger.Error("relaxed topics did not reach the disk", "cause", err)
		}
	}
}

// runClock has the clock written down, again and again.
func (s *Store) runClock() { s.every(tickEvery, s.tick) }

// tick has the clock written down. If the disk is full it leaves that to the next time.
func (s *Store) tick(now time.Time) {
	if s.guard.refusal() == nil {
		s.clock.tick(now)
	}
}

func (s *Store) every(interval time.Duration, do func(now time.Time)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			do(s.cfg.Clock())
		}
	}
}

// Partitions is the number of partitions. They are numbered from 0 on.
func (s *Store) Partitions() int { return len(s.partitions) }

// Probe asks whether a partition takes publishes: it returns nil when the partition has agreed on an operation that
// does nothing, and has brought it to the disk. It may block until ctx ends. It does not fail on a full disk, since a
// restart would not help; DiskFull tells of that.
func (s *Store) Probe(ctx context.Context, partition int) error {
	return s.partitions[partition].queue.awaitFor(ctx, &operation{op: opProbe})
}

// DiskFull says why publishes are refused for lack of room on the disk; nil if they are not.
func (s *Store) DiskFull() *protocol.Refusal { return s.guard.refusal() }

// Checkpoint calls use with a directory that holds the store as it is at one moment, and removes the directory
// afterwards. The checkpoint is made of hard links, so it costs little time and room, and publishes go on; but what the
// store removes meanwhile takes up room until use returns. There is one at a time: a second one gets a Busy. The error
// is a StorageFull while the disk is full, and otherwise that of use or of the disk.
func (s *Store) Checkpoint(use func(dir string) error) error { return s.checkpoints.use(use) }

// OpenTopic opens a topic, which may be one that nobody has published to yet. It reads the disk, and checks whether the
// newest event is intact; if not, it cuts off the damaged end and begins a new epoch, which is logged and waits for the
// disk. A topic is opened by one owner at a time.
func (s *Store) OpenTopic(tenant, name string, rule Rule) (*Topic, error) {
	return openTopic(s.partitionOf(tenant, name), tenant, name, rule)
}

// HasTopic reports whether the store holds a topic, intact or not. It reads the disk.
func (s *Store) HasTopic(tenant, name string) bool {
	h, err := s.partitionOf(tenant, name).state.head(tenant, name)
	return err != nil || h != nil
}

// Topics returns, by name, at most limit topics of a tenant whose names begin with prefix and come after the name
// behind. It reads the disk. It leaves out a topic whose head is damaged, which is repaired when somebody opens the
// topic.
func (s *Store) Topics(tenant, prefix, behind string, limit int) (found []TopicInfo, err error) {
	for _, one := range s.partitions {
		some, err := one.state.topics(tenant, prefix, behind, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b TopicInfo) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(limit, len(found))], nil
}

// partitionOf is the partition of a topic.
func (s *Store) partitionOf(tenant, topic string) *partition {
	return s.partitions[partitionNumber(tenant, topic, len(s.partitions))]
}

// runRetention removes events that are too old from topics that nobody uses, again and again.
func (s *Store) runRetention() { s.every(s.cfg.RetentionEvery, s.removeOld) }

func (s *Store) removeOld(now time.Time) {
	for _, one := range s.partitions {
		if one.raft.State() == raft.Leader {
			if err := (retention{one, s.stop}).removeOld(now); err != nil {
				s.cfg.Logger.Warn("events that are too old could not be removed from a slot",
					"slot", one.number, "cause", err)
			}
		}
	}
}
