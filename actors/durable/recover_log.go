package durable

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// logRecovery finds out at a start what is intact of a partition's log, and what is lost.
type logRecovery struct {
	machine   *stateMachine
	log       *groupLog
	snapshots snapshots
	logger    *slog.Logger
}

// addAgain is the advice to the operator of a node whose groups have other members that know better.
const addAgain = "remove this node from the cluster, empty its directory, and add it again"

// repair reads the log as Raft is about to do, which cannot go on at a damaged entry. A group of one voter cuts its
// log in front of the damage, and its state is what it has applied by then; findLoss tells whether answered events are
// lost with it. In a larger group the other nodes have them, so the operator has to remove this node and add it again.
func (r *logRecovery) repair() error {
	newest, err := r.snapshots.newest()
	if err != nil {
		return err
	}
	members := []byte(nil)
	if newest != nil {
		members = newest.configuration
	}
	good, damage, err := r.scan(newest, &members)
	if members != nil {
		r.machine.StoreConfiguration(0, raft.DecodeConfiguration(members))
	}
	if err != nil || damage == nil {
		return err
	}
	if !r.machine.voters.alone() {
		return fmt.Errorf("its log is damaged behind entry %d (%w); "+addAgain, good, damage)
	}
	r.logger.Error("the log of a slot is damaged and begins anew", "slot", r.machine.partition,
		"intact_up_to_entry", good, "applied_up_to_entry", r.machine.state.appliedIndex, "cause", damage)
	if err := r.replay(good); err != nil {
		return err
	}
	term, err := votes{r.machine.partition, r.machine.db}.GetUint64([]byte("CurrentTerm"))
	if err != nil {
		return err
	}
	index := max(good, r.machine.state.appliedIndex)
	anew := &snapshotMarker{index: index, term: term, configured: index, configuration: members}
	from, to := keyRange(prefixLog, r.machine.partition)
	return errors.Join(r.machine.db.DeleteRange(from, to, pebble.NoSync), r.snapshots.save(anew))
}

// scan reads what Raft reads at a start: the entries behind the newest snapshot. It returns the newest intact one
// and what is wrong with the one behind it, and leaves in members the newest configuration that it finds.
func (r *logRecovery) scan(newest *snapshotMarker, members *[]byte) (good uint64, damage, err error) {
	last, err := r.log.LastIndex()
	if err != nil {
		return 0, nil, err
	}
	if newest != nil {
		good = newest.index
	}
	var l raft.Log
	for ; good < last; good++ {
		if damage = r.log.GetLog(good+1, &l); damage != nil {
			return good, damage, nil
		}
		// They count, so that a log that many short runs made long is cut, too.
		r.machine.compactor.uncut.add(len(l.Data))
		if l.Type == raft.LogConfiguration {
			*members = l.Data
		}
	}
	return good, nil, nil
}

// replay applies those entries of the intact part that are not applied yet.
func (r *logRecovery) replay(good uint64) error {
	var l raft.Log
	for i := r.machine.state.appliedIndex + 1; i <= good; i++ {
		if err := r.log.GetLog(i, &l); err != nil {
			return err
		}
		if l.Type == raft.LogCommand {
			r.machine.Apply(&l)
		}
	}
	return r.machine.broken
}

// loss says which answered events are gone.
type loss int

const (
	lostNothing loss = iota
	lostRelaxed      // only events that were answered before the disk had them
	lostAny
)

// findLoss compares the log with what the commit marker says was answered, and returns what is lost.
func (r *logRecovery) findLoss(acked ackedEntries) (lost loss, err error) {
	newest, err := r.snapshots.newest()
	if err != nil {
		return 0, err
	}
	cut := uint64(0)
	if newest != nil {
		cut = newest.index
	}
	for i, at := range []entryID{acked.relaxed, acked.strict} {
		there, err := r.hasEntry(cut, at)
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
	last, err := r.log.LastIndex()
	r.logger.Error("the newest events of a slot are lost, though they were answered; "+
		"its topics keep what is older and begin new epochs",
		"slot", r.machine.partition, "relaxed_topics_only", lost == lostRelaxed,
		"answered_up_to_entry", acked.relaxed.index, "found_up_to_entry", last)
	return lost, err
}

// hasEntry reports whether an entry is in the log, or was in the part that has been cut off.
func (r *logRecovery) hasEntry(cut uint64, at entryID) (bool, error) {
	if at.index <= cut {
		return true, nil
	}
	var l raft.Log
	err := r.log.GetLog(at.index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return false, nil
	}
	return l.Term == at.term, err
}
