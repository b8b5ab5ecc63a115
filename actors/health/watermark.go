package health

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Memory tells how much memory the process uses. One goroutine calls it.
type Memory interface {
	// Used is how many bytes the process uses, Limit how many it may. Both are asked for often.
	Used() int64
	Limit() int64
	// Collect gives back what nobody uses, so that Used is what is in use. It may take a while.
	Collect()
}

// Load is what a watermark can shed. Its calls may take a while, and only the watermark makes them.
type Load interface {
	// TrimHistories has all topics forget the older half of what they remember in memory, and returns how many topics
	// that are. A client that resumes from there is told.
	TrimHistories() int
	// DropWaiting drops what waits for readers and may be lost, and returns how many frames that are.
	DropWaiting() int
	// EachReader calls read for each reader for which bytes wait. end ends the reader, and reports false if that was
	// done already.
	EachReader(read func(waiting int64, end func() bool))
}

// Stage is how short memory is. Each stage does what those below it do, too.
type Stage int32

const (
	Calm     Stage = iota
	Refusing       // no connection and no event comes in, and topics forget the older half of what they remember
	Dropping       // what waits for slow readers is dropped where its topic's rule allows that
	Closing        // the slowest readers are disconnected, those for whom most waits first
)

func (s Stage) String() string { return [...]string{"calm", "refusing", "dropping", "closing"}[s] }

const (
	// Every is the time between two looks at the memory in use.
	Every = 500 * time.Millisecond

	// CollectEvery is the least time between two collections. A stage is entered, and a reader disconnected, only for
	// what is still in use behind one; so this is also how often readers are disconnected.
	CollectEvery = 2 * time.Second

	// StageHold is the least time in a stage before the one below it: so a refusal can say until when there is no use
	// in trying.
	StageHold = 5 * time.Second
)

// Stages are entered at a mark and left below their floor, both in percent of the limit.
var (
	stageMark  = [...]int64{Refusing: 85, Dropping: 90, Closing: 95}
	stageFloor = [...]int64{Refusing: 80, Dropping: 85, Closing: 90}
)

// Pressure is how the node stands with memory, and what it has shed since it started.
type Pressure struct {
	Stage       Stage
	Used, Limit int64 // bytes; 0 if nobody tells
	// Connections and Publishes were refused, Histories halved, Frames dropped, Readers disconnected.
	Connections, Publishes, Histories, Frames, Readers uint64
}

// Watermark sheds load while memory is short, before the kernel ends the process: first it refuses what comes, then it
// drops what waits, then it disconnects those for whom it waits.
type Watermark struct {
	// Static.
	load   Load
	log    *slog.Logger
	wheel  *timer.Wheel
	memory Memory // nil if nobody tells
	stop   chan struct{}
	done   chan struct{}

	// Owned by run.
	collected time.Time
	halved    time.Time
	helpless  bool // it was logged that there is nothing left to shed

	// Written by run.
	stage atomic.Int32
	since atomic.Int64 // when the stage was entered, as timer.Wheel.Since tells it
	used  atomic.Int64

	connections, publishes, histories, frames, readers atomic.Uint64
}

// NewWatermark makes a watermark that is calm until Start.
func NewWatermark(load Load, memory Memory, log *slog.Logger, wheel *timer.Wheel) *Watermark {
	return &Watermark{
		load: load, memory: memory, log: log, wheel: wheel, stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// Start has it look at the memory from now on; without a memory it stays calm. Stop ends it.
func (w *Watermark) Start() {
	if w.memory == nil {
		close(w.done)
		return
	}
	w.used.Store(w.memory.Used())
	go w.run()
}

// Stop ends the watermark and waits for it.
func (w *Watermark) Stop() {
	close(w.stop)
	<-w.done
}

func (w *Watermark) run() {
	defer close(w.done)
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			w.look()
		}
	}
}

// look reads the memory in use, sets the stage and sheds what that asks for.
func (w *Watermark) look() {
	used, collected := w.memory.Used(), false
	since := time.Since(w.collected)
	if w.over(used) && since >= CollectEvery || w.stays(used) && since >= StageHold {
		w.memory.Collect()
		w.collected, collected = time.Now(), true
		used = w.memory.Used()
	}
	w.used.Store(used)
	stage := w.next(used, collected)
	w.enter(stage, used)
	if w.stays(used) && time.Since(w.halved) >= StageHold {
		w.halved = time.Now()
		w.histories.Add(uint64(w.load.TrimHistories()))
	}
	if stage >= Dropping {
		w.frames.Add(uint64(w.load.DropWaiting()))
	}
	if stage >= Closing && collected {
		w.disconnect(used - w.bytes(stageFloor[Closing]))
	}
}

// disconnect ends the slowest readers, until what waits for them is as much as is to be freed. Frames that several of
// them share are freed with the last one: the next look tells.
func (w *Watermark) disconnect(excess int64) {
	type reader struct {
		waiting int64
		end     func() bool
	}
	var all []reader
	w.load.EachReader(func(waiting int64, end func() bool) { all = append(all, reader{waiting, end}) })
	slices.SortFunc(all, func(a, b reader) int { return int(b.waiting - a.waiting) })
	for _, r := range all {
		if excess > 0 && r.end() {
			excess -= r.waiting
			w.readers.Add(1)
		}
	}
	if len(all) == 0 && !w.helpless {
		w.helpless = true
		w.log.Warn("memory: nothing waits for readers that could be shed; " +
			"raise memory.limit, or lower history_bytes, topics or connections")
	}
}

// bytes are so many percent of the limit.
func (w *Watermark) bytes(percent int64) int64 { return w.memory.Limit() / 100 * percent }

// over reports whether so much in use asks for a stage above the present one, or for readers to be disconnected.
func (w *Watermark) over(used int64) bool {
	up := min(Stage(w.stage.Load())+1, Closing)
	return used >= w.bytes(stageMark[up])
}

// stays reports whether so much in use is too much for a lower stage.
func (w *Watermark) stays(used int64) bool {
	now := Stage(w.stage.Load())
	return now > Calm && used >= w.bytes(stageFloor[now])
}

// next is the stage for so much in use: up at once if that is no garbage, down by one if it was held for long enough.
func (w *Watermark) next(used int64, collected bool) Stage {
	now := Stage(w.stage.Load())
	for up := Closing; up > now && collected; up-- {
		if used >= w.bytes(stageMark[up]) {
			return up
		}
	}
	if now > Calm && used < w.bytes(stageFloor[now]) && w.held() >= StageHold {
		return now - 1
	}
	return now
}

// held is how long the stage has lasted.
func (w *Watermark) held() time.Duration {
	return time.Duration(w.wheel.Since(time.Now()) - w.since.Load())
}

// enter changes the stage, if it is another one, and logs that.
func (w *Watermark) enter(stage Stage, used int64) {
	was := Stage(w.stage.Load())
	if was == stage {
		return
	}
	w.since.Store(w.wheel.Since(time.Now()))
	w.stage.Store(int32(stage))
	write := w.log.Info
	if stage > was {
		write = w.log.Warn
	}
	if stage == Calm {
		w.helpless = false
	}
	p := w.Pressure()
	write("memory: "+stage.String(), "before", was.String(), "used", used, "limit", p.Limit,
		"refused_connections", p.Connections, "refused_publishes", p.Publishes, "halved_histories", p.Histories,
		"dropped_frames", p.Frames, "disconnected_readers", p.Readers)
}

// Pressure is how it stands.
func (w *Watermark) Pressure() Pressure {
	p := Pressure{
		Stage: Stage(w.stage.Load()), Used: w.used.Load(),
		Connections: w.connections.Load(), Publishes: w.publishes.Load(),
		Histories: w.histories.Load(), Frames: w.frames.Load(), Readers: w.readers.Load(),
	}
	if w.memory != nil {
		p.Limit = w.memory.Limit()
	}
	return p
}

// RefuseConnection is why no connection comes in at the moment, nil if one does. It counts the refusal.
func (w *Watermark) RefuseConnection(asked *decision.Record) *protocol.Refusal {
	return w.refuse(&w.connections, asked)
}

// RefusePublish is why no event comes in at the moment, nil if one does. It counts the refusal.
func (w *Watermark) RefusePublish(asked *decision.Record) *protocol.Refusal {
	return w.refuse(&w.publishes, asked)
}

func (w *Watermark) refuse(count *atomic.Uint64, asked *decision.Record) *protocol.Refusal {
	stage := Stage(w.stage.Load())
	if asked.Text(decision.Memory, stage.String(), stage == Calm) {
		return nil
	}
	if asked == nil {
		count.Add(1)
	}
	err := protocol.Refuse(protocol.Busy,
		"the server is short of memory (memory.limit); come back later or try another")
	err.Rule = "memory"
	err.RetryAfter = max(time.Second, time.Duration(stage)*StageHold-w.held())
	return err
}
