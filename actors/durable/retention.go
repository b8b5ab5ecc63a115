package durable

import (
	"bytes"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

func (p *partition) removeOld(now time.Time) error {
	from, to := keyRange(prefixHead, p.number)
	it, err := p.store.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		select {
		case <-p.store.stop:
			return nil
		default:
		}
		h, good := decodeHead(it.Key(), it.Value())
		tenant, rest, _ := bytes.Cut(it.Key()[len(from):], []byte{0})
		if !good || len(rest) == 0 {
			continue // it is repaired when somebody opens the topic
		}
		if err := p.removeOldOf(string(tenant), string(rest[:len(rest)-1]), h, now); err != nil {
			return err
		}
	}
	return it.Error()
}

func (p *partition) removeOldOf(tenant, topic string, h head, now time.Time) error {
	t := &Topic{
		store: p.store, partition: p, tenant: tenant, name: topic, rule: h.rule, floor: h.floor, newest: h.newest,
		epoch: p.machine.seeds.Load().epoch(h.rule.Relaxed, h.salt, tenant, topic),
	}
	oldest, unused := t.Oldest(now), time.Duration(p.store.clock.at(now)-h.at)
	switch {
	case oldest == h.newest && unused > p.store.cfg.Forget:
		if err := p.await(&operation{op: opForget, tenant: tenant, topic: topic, offset: h.newest}); err != nil {
			return err
		}
		left, err := p.readHead(tenant, topic)
		if left == nil && err == nil { // nobody has published to it meanwhile
			t.logForgotten(h.newest - h.floor)
		}
		return err
	case oldest > h.floor:
		aged := t.countAged(oldest)
		err := p.await(&operation{op: opTrim, tenant: tenant, topic: topic, epoch: t.epoch, offset: oldest})
		if err == nil {
			t.logAged(aged, oldest, t.rule.Bounds.Age)
		}
		return err
	}
	return nil
}
