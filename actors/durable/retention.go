package durable

import (
	"errors"
	"time"
)

// retention removes the events that are too old from the topics of a partition that nobody uses. It waits for each
// removal, so that it never fills a queue.
type retention struct {
	partition *partition
	stop      <-chan struct{} // closed when the store closes
}

// removeOld looks at all topics. It returns early, without an error, when the store closes.
func (r retention) removeOld(now time.Time) error {
	err := r.partition.state.eachTopic(func(_, topic string, h *head) error {
		select {
		case <-r.stop:
			return errClosing
		default:
		}
		if h == nil || topic == "" {
			return nil // it is repaired when somebody opens the topic
		}
		return r.removeOldOf(h, now)
	})
	if errors.Is(err, errClosing) {
		return nil
	}
	return err
}

func (r retention) removeOldOf(h *head, now time.Time) error {
	p, t := r.partition, newTopic(r.partition, h, h.rule)
	oldest, unused := t.Oldest(now), time.Duration(p.storage.clock.at(now)-h.at)
	switch {
	case oldest == h.newest && unused > p.storage.cfg.Forget:
		err := p.queue.await(&operation{op: opForget, tenant: h.tenant, topic: h.topic, offset: h.newest})
		if err != nil {
			return err
		}
		left, err := p.state.head(h.tenant, h.topic)
		if left == nil && err == nil { // nobody has published to it meanwhile
			r.logForgotten(t, h.newest-h.floor)
		}
		return err
	case oldest > h.floor:
		aged := t.countAged(oldest)
		trim := operation{op: opTrim, tenant: h.tenant, topic: h.topic, epoch: h.epoch, offset: oldest}
		err := p.queue.await(&trim)
		if err == nil {
			t.logAged(aged, oldest, t.rule.Bounds.Age)
		}
		return err
	}
	return nil
}

// logForgotten logs that a topic was removed with the events that it still had.
func (r retention) logForgotten(t *Topic, count uint64) {
	if count > maxUnlogged {
		t.log.Info("a durable topic was removed with its events, since they are older than its rule "+
			"keeps them and nothing was published for long", "tenant", t.tenant, "topic", t.name, "events", count,
			"up_to_offset", t.newest, "age", t.rule.Bounds.Age, "unused_for", r.partition.storage.cfg.Forget)
	}
}
