package durable

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/protocol"
)

// MaxDedup is the longest window in which ids are recognised.
const MaxDedup = time.Hour

// Rule says how a durable topic is kept.
type Rule struct {
	Bounds history.Bounds
	// Dedup is how long an id is recognised, at most MaxDedup; 0 recognises none.
	Dedup time.Duration
	// Relaxed has publishes answered before the disk has them. A crash of the machine may lose what was answered within
	// the last Config.SyncEvery, a kill -9 what was answered in the last moment. If anything is lost, the relaxed
	// topics of the partition begin new epochs.
	Relaxed bool
}

func appendRule(b []byte, r *Rule) []byte {
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Count)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Bytes)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Bounds.Age)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Dedup)))
	if r.Relaxed {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeRule(c *cursor) Rule {
	return Rule{
		Bounds: history.Bounds{Count: int(c.uvarint()), Bytes: int(c.uvarint()), Age: time.Duration(c.uvarint())},
		Dedup:  time.Duration(c.uvarint()), Relaxed: c.uint8() == 1,
	}
}

func (r *Rule) check(name string) error {
	if r.Dedup > MaxDedup {
		return fmt.Errorf("durable topic %s: ids cannot be recognised for %s, at most for %s",
			protocol.Quote(name), r.Dedup, MaxDedup)
	}
	return nil
}
