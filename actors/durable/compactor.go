package durable

import (
	"errors"
	"log/slog"

	"github.com/hashicorp/raft"
)

// compactor cuts the log of a partition at this node, whether it leads the group or follows: the state machine counts
// what it applies, and the compactor has Raft take a snapshot when that has grown to a limit.
type compactor struct {
	partition uint16 // static, as are these
	raft      *raft.Raft
	reserve   uint64 // the disk's, in bytes
	log       *slog.Logger
	due       chan uint64   // how many entries a cut that is due leaves; holds one
	broken    chan struct{} // closed when the state machine is out of order and other nodes have the group's state
	ended     chan struct{} // closed when the group has stopped

	uncut logSize // what the log holds since the last snapshot; owned by the goroutine of the state machine
}

// logSize is the size of a part of the log.
type logSize struct{ bytes, entries int }

// add counts an entry of so many bytes.
func (s *logSize) add(bytes int) { s.bytes, s.entries = s.bytes+bytes, s.entries+1 }

// A node compacts the log after so many bytes or entries, whichever comes first: a start reads as many. It leaves some
// for nodes that were away for a moment, which need the whole state otherwise.
const (
	compactBytes   = 4 << 20 // on a small disk at most a part of the reserve
	compactEntries = 4096
	// trailingEntries is how many entries a group of one leaves at most; they take up at most a quarter of the bytes
	// after which it compacts the log.
	trailingEntries = 1024
	// trailingBytes is how many bytes a group of several leaves; on a small disk at most the reserve.
	trailingBytes = 64 << 20
)

func newCompactor(partition uint16, reserve uint64, log *slog.Logger) *compactor {
	return &compactor{
		partition: partition, reserve: reserve, log: log,
		due: make(chan uint64, 1), broken: make(chan struct{}), ended: make(chan struct{}),
	}
}

// count counts an entry of so many bytes that was applied in a group of so many voters. It does not block.
func (c *compactor) count(bytes, voters int) {
	c.uncut.add(bytes)
	limit := min(compactBytes, int(c.reserve/16))
	if c.uncut.bytes < limit && c.uncut.entries < compactEntries {
		return
	}
	size := c.uncut.bytes/c.uncut.entries + 1
	leave := min(trailingEntries, max(1, limit/4/size))
	if voters > 1 {
		leave = min(trailingBytes, int(c.reserve)) / size
	}
	select {
	case c.due <- uint64(leave):
		c.uncut = logSize{}
	default: // the one before it goes on
	}
}

// run cuts the log when that is due, until the group has stopped. It stops the group itself when the state machine is
// out of order: the others go on without this node, and a leader without a state would hold them up.
func (c *compactor) run() {
	for {
		select {
		case leave := <-c.due:
			c.cut(leave)
		case <-c.broken:
			_ = c.raft.Shutdown().Error()
			return
		case <-c.ended:
			return
		}
	}
}

func (c *compactor) cut(leave uint64) {
	err := c.raft.ReloadConfig(reloadable(leave))
	if err == nil {
		err = c.raft.Snapshot().Error()
	}
	if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) && !errors.Is(err, raft.ErrRaftShutdown) {
		c.log.Warn("the log of a slot could not be cut", "slot", c.partition, "cause", err)
	}
}
