package durable

import (
	"bytes"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"
)

// sweeping removes what is too old from topics that nobody uses. It waits for each removal, so that it never fills a
// queue.
func (s *Store) sweeping() {
	s.every(s.cfg.SweepEvery, s.sweep)
}

func (s *Store) sweep(now time.Time) {
	for _, one := range s.slots {
		if one.raft.State() == raft.Leader {
			if err := one.sweep(now); err != nil {
				s.cfg.Logger.Warn("a slot could not be swept", "slot", one.number, "cause", err)
			}
		}
	}
}

func (s *slot) sweep(now time.Time) error {
	from, to := span(letterHead, s.number)
	it, err := s.store.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		select {
		case <-s.store.stop:
			return nil
		default:
		}
		h, good := headOf(it.Key(), it.Value())
		tenant, rest, _ := bytes.Cut(it.Key()[len(from):], []byte{0})
		if !good || len(rest) == 0 {
			continue // it is mended when somebody opens it
		}
		if err := s.sweepTopic(string(tenant), string(rest[:len(rest)-1]), h, now); err != nil {
			return err
		}
	}
	return it.Error()
}

func (s *slot) sweepTopic(tenant, topic string, h head, now time.Time) error {
	t := &Topic{store: s.store, slot: s, tenant: tenant, name: topic, rule: h.rule, floor: h.floor, newest: h.newest,
		epoch: s.machine.seeds.Load().epoch(h.rule.Relaxed, h.salt, tenant, topic)}
	oldest, unused := t.Oldest(now), time.Duration(s.store.clock.at(now)-h.at)
	switch {
	case oldest == h.newest && unused > s.store.cfg.Forget:
		if err := s.await(&operation{deed: deedForget, tenant: tenant, topic: topic, offset: h.newest}); err != nil {
			return err
		}
		left, err := s.stored(tenant, topic)
		if left == nil && err == nil { // nothing was published meanwhile
			t.tellForgotten(h.newest - h.floor)
		}
		return err
	case oldest > h.floor:
		aged := t.tooOld(oldest)
		err := s.await(&operation{deed: deedTrim, tenant: tenant, topic: topic, epoch: t.epoch, offset: oldest})
		if err == nil {
			t.tellAged(aged, oldest, t.rule.Bounds.Age)
		}
		return err
	}
	return nil
}
