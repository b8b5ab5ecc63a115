package logline

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Bounds of repeated lines, so that they cannot fill a disk: neither those of a client that reports errors in a loop,
// nor those of a fault that each of its requests meets.
const (
	repeatsWindow = time.Minute
	maxRepeats    = 20 // lines of one message of one tenant
	// maxOwnRepeats is the bound of messages of no tenant: they are the server's own matters, which clients cause less
	// often.
	maxOwnRepeats = 100
	// maxKinds bounds the messages that are counted; those beyond it are counted as one.
	maxKinds = 4096
)

// summedUp is what the line says that stands for many.
const summedUp = "the same was logged more often than is written"

// repeats is a handler that sums up.
type repeats struct {
	slog.Handler
	tenant string // of the logger, "" if its records say so themselves
	counts *counts
}

// counts are shared by all loggers that come from one.
type counts struct {
	out slog.Handler // for the lines that stand for many

	mu      sync.Mutex
	kinds   map[kind]*count
	waiting bool // a timer is going to sum up
}

// kind is what counts as the same.
type kind struct{ message, tenant string }

type count struct {
	since  time.Time
	lines  int
	unsaid int        // how many of them were not written
	level  slog.Level // of the last of those
}

// SumUp returns a logger whose repeated lines are summed up: of one message of one tenant, from the attribute "tenant",
// some lines a minute are written, those after them are debug lines, and a line says how many there were. It counts
// a bounded number of messages. It writes a sum from a goroutine of its own, a minute after the first line that was
// left out.
func SumUp(log *slog.Logger) *slog.Logger {
	h := log.Handler()
	return slog.New(&repeats{Handler: h, counts: &counts{out: h, kinds: map[kind]*count{}}})
}

// Handle implements slog.Handler.
func (r *repeats) Handle(ctx context.Context, record slog.Record) error {
	if record.Level < slog.LevelInfo {
		return r.Handler.Handle(ctx, record)
	}
	of := kind{record.Message, r.tenant}
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "tenant" {
			of.tenant = a.Value.String()
		}
		return true
	})
	if r.counts.say(of, record.Level, record.Time) {
		return r.Handler.Handle(ctx, record)
	}
	if !r.Handler.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	record = record.Clone()
	record.Level = slog.LevelDebug
	return r.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (r *repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &repeats{r.Handler.WithAttrs(attrs), r.tenant, r.counts}
	for _, a := range attrs {
		if a.Key == "tenant" {
			with.tenant = a.Value.String()
		}
	}
	return with
}

// WithGroup implements slog.Handler.
func (r *repeats) WithGroup(name string) slog.Handler {
	return &repeats{r.Handler.WithGroup(name), r.tenant, r.counts}
}

// say counts a line and reports whether it is to be written.
func (c *counts) say(of kind, level slog.Level, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(&of)
	if passed := now.Sub(n.since); n.unsaid == 0 && (passed >= repeatsWindow || passed < 0) {
		*n = count{since: now}
	}
	most := maxRepeats
	if of.tenant == "" {
		most = maxOwnRepeats
	}
	if n.lines++; n.lines <= most {
		return true
	}
	n.unsaid++
	n.level = level
	if !c.waiting {
		c.waiting = true
		time.AfterFunc(repeatsWindow, c.tell)
	}
	return false
}

// of finds the count of a kind, or of all for which there is no room. It is called with mu held.
func (c *counts) of(of *kind) *count {
	if c.kinds[*of] == nil && len(c.kinds) >= maxKinds {
		*of = kind{}
	}
	if c.kinds[*of] == nil {
		c.kinds[*of] = &count{}
	}
	return c.kinds[*of]
}

// tell writes a line for each kind of which lines were left out, and begins anew with all.
func (c *counts) tell() {
	c.mu.Lock()
	kinds := c.kinds
	c.kinds, c.waiting = map[kind]*count{}, false
	c.mu.Unlock()
	for of, n := range kinds {
		if n.unsaid == 0 {
			continue
		}
		record := slog.NewRecord(time.Now(), n.level, summedUp, 0)
		if of.tenant != "" {
			record.AddAttrs(slog.String("tenant", of.tenant))
		}
		record.AddAttrs(slog.String("message", of.message), slog.Int("lines", n.unsaid))
		_ = c.out.Handle(context.Background(), record)
	}
}
