package durable

import (
	"errors"

	"github.com/hashicorp/raft"
)

// loss says which answered events are gone.
type loss int

const (
	lostNothing loss = iota
	lostRelaxed      // only events that were answered before the disk had them
	lostAny
)

// findLoss compares the log with what the commit marker says was answered, and returns what is lost.
func (p *partition) findLoss(m snapshots, acked ackedEntries) (lost loss, err error) {
	newest, err := m.newest()
	if err != nil {
		return 0, err
	}
	cut := uint64(0)
	if newest != nil {
		cut = newest.index
	}
	for i, at := range []entryID{acked.relaxed, acked.strict} {
		there, err := p.hasEntry(cut, at)
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
	last, err := p.log.LastIndex()
	p.store.cfg.Logger.Error("the newest events of a slot are lost, though they were answered; "+
		"its topics keep what is older and begin new epochs",
		"slot", p.number, "relaxed_topics_only", lost == lostRelaxed,
		"answered_up_to_entry", acked.relaxed.index, "found_up_to_entry", last)
	return lost, err
}

// hasEntry reports whether an entry is in the log, or was in the part that has been cut off.
func (p *partition) hasEntry(cut uint64, at entryID) (bool, error) {
	if at.index <= cut {
		return true, nil
	}
	var l raft.Log
	err := p.log.GetLog(at.index, &l)
	if errors.Is(err, raft.ErrLogNotFound) {
		return false, nil
	}
	return l.Term == at.term, err
}
