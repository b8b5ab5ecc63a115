package actors

import (
	"slices"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

// This is what the watermark sheds.

// halve has all topics forget the older half of what they remember in memory. Who resumes from there is told.
func (w *watermark) halve() {
	for name, t := range w.node.tenants.all() {
		if name == canaryTenant {
			continue
		}
		t.topics.Each(func(_ string, box *mailbox.Mailbox) bool {
			box.Send(halve{})
			w.histories.Add(1)
			return true
		})
	}
}

// thin drops what waits and may be lost, for all readers.
func (w *watermark) thin() {
	for _, l := range w.node.everyLink() {
		if dropped := l.outbox.Shed(); dropped > 0 {
			w.frames.Add(uint64(dropped))
		}
	}
}

// heavy is a reader and how many bytes wait for it.
type heavy struct {
	link  *Link
	bytes int64
}

// disconnect ends the slowest readers, until what waits for them is as much as is to be freed. What several of them share is freed
// with the last one: the next time tells.
func (w *watermark) disconnect(excess int64) {
	var all []heavy
	for _, l := range w.node.everyLink() {
		if _, bytes := l.outbox.Waiting(); bytes > 0 && !l.flags.has(isSlow) {
			all = append(all, heavy{l, int64(bytes)})
		}
	}
	if len(all) == 0 && !w.helpless {
		w.helpless = true
		w.node.log.Warn("memory: nothing waits for readers that could be shed; raise memory.limit, or lower history_bytes, topics or connections")
	}
	slices.SortFunc(all, func(a, b heavy) int { return int(b.bytes - a.bytes) })
	for _, h := range all {
		if excess <= 0 {
			return
		}
		if h.link.flags.set(isSlow) {
			excess -= h.bytes
			w.readers.Add(1)
			h.link.box.SendUnbounded(end{why: &protocol.Refusal{Reason: protocol.Slow}})
		}
	}
}
