package durable

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// mendLog reads the log as Raft is going to, which cannot go on where an entry is damaged. A group of one voter loses
// the log from there on, and what is applied by then is its state: what was answered and is lost with it, the witness
// tells. In a larger group the others have it, so the node has to be removed and added again.
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
		return fmt.Errorf("its log is damaged behind entry %d (%w); remove this node from the cluster, empty its directory, and add it again", good, damage)
	}
	p.store.cfg.Logger.Error("the log of a slot is damaged and begins anew", "slot", p.number, "intact_up_to_entry", good, "applied_up_to_entry", p.machine.state.appliedIndex, "cause", damage)
	if err := p.replayLog(good); err != nil {
		return err
	}
	term, err := votes{p.number, p.store.db}.GetUint64([]byte("CurrentTerm"))
	if err != nil {
		return err
	}
	anew := &snapshotMarker{index: max(good, p.machine.state.appliedIndex), term: term, configured: max(good, p.machine.state.appliedIndex), configuration: members}
	from, to := keyRange(letterLog, p.number)
	return errors.Join(p.store.db.DeleteRange(from, to, pebble.NoSync), m.save(anew))
}

// scan reads what Raft reads at a start: the entries behind the newest snapshot. It finds the newest one that is intact,
// what is wrong with the next one if it is there, and the newest members that are named on the way.
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
		p.uncutEntries, p.uncutBytes = p.uncutEntries+1, p.uncutBytes+len(l.Data) // a log that many short lives made long is cut, too
		if l.Type == raft.LogConfiguration {
			*members = l.Data
		}
	}
	return good, nil, nil
}

// replay applies what is not yet applied of the intact part.
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
