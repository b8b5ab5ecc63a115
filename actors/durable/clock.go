package durable

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// clock is the store's clock. The age of an event and the window of an id are differences of its readings, and nothing
// else in the store asks what time it is. It advances by time that has certainly passed, and never goes back:
//
//   - While the process runs, it follows the monotonic clock, which nobody can set.
//   - For the time that the process or the machine slept, it takes the lesser of what the wall clock and the machine's
//     uptime say, unless the machine was restarted in between. It believes neither alone.
//   - It stands still while the machine is off, and from one machine to another. Only the wall clock tells of that
//     time, and a wrong one says the same as a right one after a long time.
//
// So an event may be kept for longer than its topic's rule says, by as long as the machine was off, and is never
// removed before its time. The bounds of count and bytes hold meanwhile. doc.go says why the clock does not catch up
// later.
//
// The store holds the newest reading, and the clock goes on from there at the next start.
type clock struct {
	now  func() time.Time // static, as are these
	boot func() (id string, up time.Duration)
	db   *pebble.DB
	log  *slog.Logger

	anchor atomic.Pointer[anchor] // read from any goroutine; it moves when the machine has slept

	last   reading   // owned by Open, and then by the goroutine that ticks, as are these
	when   time.Time // the time of last
	warned bool      // that the wall clock is not believed
	failed bool      // a reading could not be written, and that was logged
}

// anchor is a moment of this process and what the store's clock said then, in nanoseconds.
type anchor struct {
	when time.Time
	at   int64
}

// reading is what all clocks say at a moment.
type reading struct {
	at   int64 // the store's clock
	wall time.Time
	boot string        // names the machine's start; "" if that is not known
	up   time.Duration // the time since then, in which the machine may have slept
}

const (
	// tickEvery is how often the clock is written down. A kill of the process sets the clock back by up to this much,
	// if the machine does not tell its uptime.
	tickEvery = 10 * time.Second
	// minLeap is how far the wall clock must be from the time that has passed before the store warns of it.
	minLeap = 5 * time.Minute
	// minSleep is the shortest pause that counts as sleep of the machine.
	minSleep = time.Second
	// maxFirstReading bounds the first reading of a new store, so that time can be added to it: it is a moment of 2116.
	maxFirstReading = 1 << 62
)

// openClock returns a clock that goes on from its last saved reading.
func openClock(db *pebble.DB, cfg *Config) (*clock, error) {
	c := &clock{now: cfg.Clock, boot: cfg.Boot, db: db, log: cfg.Logger}
	c.when = c.now()
	r := c.read(c.when)
	before, known, err := c.saved()
	if err != nil {
		return nil, err
	}
	if known {
		passed := confirmed(&before, &r)
		r.at = before.at + int64(passed)
		c.warnOfLeap(&before, &r, passed)
	} else if r.at, err = firstReading(db, r.wall); err != nil {
		return nil, err
	}
	c.last = r
	c.anchor.Store(&anchor{c.when, r.at})
	return c, c.save()
}

// at returns what the store's clock says at a moment of this process; only the monotonic reading of now counts.
func (c *clock) at(now time.Time) int64 {
	a := c.anchor.Load()
	return a.at + int64(now.Sub(a.when))
}

// tick writes down what the clock says, and adds the time that the machine has slept.
func (c *clock) tick(now time.Time) {
	r, passed := c.read(now), now.Sub(c.when)
	if asleep := confirmed(&c.last, &r) - passed; asleep >= minSleep {
		passed += asleep
		c.anchor.Store(&anchor{now, c.at(now) + int64(asleep)})
	}
	r.at = c.at(now)
	c.warnOfLeap(&c.last, &r, passed)
	c.last, c.when = r, now
	if err := c.save(); err != nil && !c.failed {
		c.failed = true
		c.log.Error("the store's clock cannot be written; after the next start events are kept for longer",
			"cause", err)
	}
}

func (c *clock) read(now time.Time) reading {
	r := reading{wall: now.Round(0)}
	r.boot, r.up = c.boot()
	return r
}

// confirmed returns how much of the time that the wall clock says has passed between two readings is confirmed by the
// machine's uptime.
func confirmed(from, to *reading) time.Duration {
	if from.boot == "" || from.boot != to.boot {
		return 0
	}
	return max(0, min(to.wall.Sub(from.wall), to.up-from.up))
}

// warnOfLeap warns once that the wall clock has moved by another time than has passed.
func (c *clock) warnOfLeap(from, to *reading, passed time.Duration) {
	leap := to.wall.Sub(from.wall) - passed
	if c.warned || leap.Abs() < minLeap {
		return
	}
	c.warned = true
	c.log.Warn("the wall clock has leapt, or the machine was off; durable topics do not count that time: "+
		"nothing is removed or repeated for it, and events may be kept for longer",
		"wall_clock", to.wall.UTC(), "was", from.wall.UTC(), "passed", passed, "leap", leap)
}

func (c *clock) save() error {
	v := binary.BigEndian.AppendUint64([]byte{1}, uint64(c.last.at))
	v = binary.BigEndian.AppendUint64(v, uint64(c.last.wall.Unix()))
	v = binary.AppendUvarint(v, uint64(c.last.wall.Nanosecond()))
	v = appendText(binary.AppendUvarint(v, uint64(c.last.up)), c.last.boot)
	return c.db.Set(clockKey, v, pebble.NoSync)
}

// saved returns the newest saved reading. A damaged one counts as none.
func (c *clock) saved() (r reading, known bool, err error) {
	value, closer, err := c.db.Get(clockKey)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return r, false, nil
	case pebble.IsCorruptionError(err):
		c.log.Warn("what the store's clock said last is damaged: it begins at the newest event", "cause", err)
		return r, false, nil
	case err != nil:
		return r, false, err
	}
	defer closer.Close()
	in := cursor{rest: value}
	version := in.uint8()
	r.at = int64(in.uint64())
	r.wall = time.Unix(int64(in.uint64()), int64(in.uvarint()))
	r.up, r.boot = time.Duration(in.uvarint()), in.text()
	if in.failed || version != 1 {
		return r, false, errors.New("its clock is of a format that this version does not know")
	}
	return r, true, nil
}

// firstReading is where the clock begins if none was saved: in a new store at the wall clock, in any other at its
// newest event, unless the wall clock is behind that. Of two readings that may be wrong, the earlier one removes
// nothing.
func firstReading(db *pebble.DB, wall time.Time) (at int64, err error) {
	at = min(max(0, wall.UnixNano()), maxFirstReading)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixHead}, UpperBound: []byte{prefixHead + 1}})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	newest := int64(0)
	for ok := it.First(); ok; ok = it.Next() {
		if h, good := decodeHead(it.Key(), it.Value()); good {
			newest = max(newest, h.at)
		}
	}
	if newest > 0 {
		at = min(at, newest)
	}
	if err := it.Error(); err != nil && !pebble.IsCorruptionError(err) {
		return 0, err
	}
	return at, nil
}
