package outbox

import (
	"strconv"
	"testing"
	"time"
)

// What does an outbox cost by itself, for so many frames that wait at once: the offers, one Take and one Ack?
func BenchmarkOutbox_OfferTakeAck(b *testing.B) {
	for _, waiting := range []int{1, 2, 20, 1000} {
		b.Run(strconv.Itoa(waiting), func(b *testing.B) {
			o, f, now := newOutbox(&wakeCounter{}, 1<<20, 1<<20), frameOf(160), time.Now().UnixNano()
			into := make([]*Frame, 0, waiting)
			b.ReportAllocs()
			for range b.N {
				for range waiting {
					o.Offer(f, AtOnce)
				}
				into = o.Take(into[:0], 1<<20)
				o.Ack(into, now)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(waiting), "ns/frame")
		})
	}
}

// What does an offer cost if the reader is behind, by the policy of the topic: refuse, drop the oldest, or replace the
// older one?
func BenchmarkOutbox_OfferToOneThatIsBehind(b *testing.B) {
	for slow, policy := range map[string]Policy{"disconnect": Keep, "drop-oldest": DropOldest, "conflate": Conflate} {
		b.Run(slow, func(b *testing.B) {
			o := newOutbox(&wakeCounter{}, 1<<20, 400)
			frames := make([]*Frame, 8)
			for i := range frames {
				frames[i] = frameFor(policy, "room", strconv.Itoa(i), i)
			}
			b.ReportAllocs()
			for i := range b.N {
				o.Offer(frames[i%len(frames)], AtOnce)
			}
		})
	}
}
