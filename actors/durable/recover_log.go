package durable

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// repairLog reads the log as Raft is about to do, which cannot go on at a damaged entry. A group of one voter cuts its
// log in front of the damage, and its state is what it has applied by then; findLoss tells whether answered events are
// lost with it. In a larger group the other nodes have them, so the operator has to remove this node and add it again.
func (p *partition) repairLog(m snapshots) error {
	newest, err := m.newest()
	if err != nil {
		return err
	}
	members := []byte(nil)
	if newest != nil {
		members = newest.configuration
	}
	good, damage, err := p.scanLog(newest, &members)
	if err != nil || damage == nil {
		return err
	}
	if members == nil || len(raft.DecodeConfiguration(members).Servers) != 1 {
		return fmt.Errorf("its log is damaged behind entry %d (%w); "+addAgain, good, damage)
	}
	p.store.cfg.Logger.Error("the log of a slot is damaged and begins anew", "slot", p.number,
		"intact_up_to_entry", good, "applied_up_to_entry", p.machine.state.appliedIndex, "cause", damage)
	if err := p.replayLog(good); err != nil {
		return err
	}
	term, err := votes{p.number, p.store.db}.GetUint64([]byte("CurrentTerm"))
	if err != nil {
		return err
	}
	index := max(good, p.machine.state.appliedIndex)
	anew := &snapshotMarker{index: index, term: term, configured: index, configuration: members}
	from, to := keyRange(prefixLog, p.number)
	return errors.Join(p.store.db.DeleteRange(from, to, pebble.NoSync), m.save(anew))
}

// scanLog reads what Raft reads at a start: the entries behind the newest snapshot. It returns the newest intact one
// and what is wrong with the one behind it, and leaves in members the newest configuration that it finds.
func (p *partition) scanLog(newest *snapshotMarker, members *[]byte) (good uint64, damage, err error) {
	last, err := p.log.LastIndex()
	if err != nil {
		return 0, nil, err
	}
	if newest != nil {
		good = newest.index
	}
	var l raft.Log
	for ; good < last; good++ {
		if damage = p.log.GetLog(good+1, &l); damage != nil {
			return good, damage, nil
		}
		// They count, so that a log that many short runs made long is cut, too.
		p.uncutEntries, p.uncutBytes = p.uncutEntries+1, p.uncutBytes+len(l.Data)
		if l.Type == raft.LogConfiguration {
			*members = l.Data
		}
	}
	return good, nil, nil
}

// replayLog applies those entries of the intact part that are not applied yet.
func (p *partition) replayLog(good uint64) error {
	var l raft.Log
	for i := p.machine.state.appliedIndex + 1; i <= good; i++ {
		if err := p.log.GetLog(i, &l); err != nil {
			return err
		}
		if l.Type == raft.LogCommand {
			p.machine.Apply(&l)
		}
	}
	return p.machine.broken
}
