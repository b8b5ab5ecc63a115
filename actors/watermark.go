package actors

import (
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Memory is where a node reads how much memory the process uses. One goroutine calls it.
type Memory interface {
	// Used is how many bytes the process uses, Limit how many it may. Both are asked for often.
	Used() int64
	Limit() int64
	// Collect gives back what nobody uses, so that Used is what is in use. It may take a while.
	Collect()
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
	// watermarkEvery is the time between two looks at the memory in use.
	watermarkEvery = 500 * time.Millisecond

	// collectEvery is the least time between two collections. A stage is entered, and a reader disconnected, only for what is still
	// in use behind one; so this is also how often readers are disconnected.
	collectEvery = 2 * time.Second

	// stageHold is the least time in a stage before the one below it: so a refusal can say until when there is no use in trying.
	stageHold = 5 * time.Second
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

// watermark sheds load while memory is short, before the kernel ends the process: first who comes, then what waits, then whom it
// waits for.
type watermark struct {
	// Static.
	node   *Node
	memory Memory // nil if nobody tells
	stop   chan struct{}
	done   chan struct{}

	// Owned by run.
	collected time.Time
	halved    time.Time
	helpless  bool // it was logged that there is nothing left to shed

	// Written by run.
	stage atomic.Int32
	since atomic.Int64 // when the stage was entered, as wheel.since tells it
	used  atomic.Int64

	connections, publishes, histories, frames, readers atomic.Uint64
}

func (w *watermark) start(n *Node) {
	w.node, w.memory, w.stop, w.done = n, n.cfg.Memory, make(chan struct{}), make(chan struct{})
	if w.memory == nil {
		close(w.done)
		return
	}
	w.used.Store(w.memory.Used())
	go w.run()
}

// end ends run and waits for it.
func (w *watermark) end() {
	close(w.stop)
	<-w.done
}

func (w *watermark) run() {
	defer close(w.done)
	tick := time.NewTicker(watermarkEvery)
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
func (w *watermark) look() {
	used, collected := w.memory.Used(), false
	if w.over(used) && time.Since(w.collected) >= collectEvery || w.stays(used) && time.Since(w.collected) >= stageHold {
		w.memory.Collect()
		w.collected, collected = time.Now(), true
		used = w.memory.Used()
	}
	w.used.Store(used)
	stage := w.next(used, collected)
	w.enter(stage, used)
	if w.stays(used) && time.Since(w.halved) >= stageHold {
		w.halved = time.Now()
		w.halve()
	}
	if stage >= Dropping {
		w.thin()
	}
	if stage >= Closing && collected {
		w.disconnect(used - w.bytes(stageFloor[Closing]))
	}
}

// bytes are so many percent of the limit.
func (w *watermark) bytes(percent int64) int64 { return w.memory.Limit() / 100 * percent }

// over reports whether so much in use asks for a stage above the present one, or for readers to be disconnected.
func (w *watermark) over(used int64) bool {
	up := min(Stage(w.stage.Load())+1, Closing)
	return used >= w.bytes(stageMark[up])
}

// stays reports whether so much in use is too much for a lower stage.
func (w *watermark) stays(used int64) bool {
	now := Stage(w.stage.Load())
	return now > Calm && used >= w.bytes(stageFloor[now])
}

// next is the stage for so much in use: up at once if that is no garbage, down by one if it was held for long enough.
func (w *watermark) next(used int64, collected bool) Stage {
	now := Stage(w.stage.Load())
	for up := Closing; up > now && collected; up-- {
		if used >= w.bytes(stageMark[up]) {
			return up
		}
	}
	if now > Calm && used < w.bytes(stageFloor[now]) && w.held() >= stageHold {
		return now - 1
	}
	return now
}

// held is how long the stage has lasted.
func (w *watermark) held() time.Duration {
	return time.Duration(w.node.wheel.Since(time.Now()) - w.since.Load())
}

// enter changes the stage, if it is another one, and logs that.
func (w *watermark) enter(stage Stage, used int64) {
	was := Stage(w.stage.Load())
	if was == stage {
		return
	}
	w.since.Store(w.node.wheel.Since(time.Now()))
	w.stage.Store(int32(stage))
	say := w.node.log.Info
	if stage > was {
		say = w.node.log.Warn
	}
	if stage == Calm {
		w.helpless = false
	}
	p := w.pressure()
	say("memory: "+stage.String(), "before", was.String(), "used", used, "limit", p.Limit, "refused_connections", p.Connections,
		"refused_publishes", p.Publishes, "halved_histories", p.Histories, "dropped_frames", p.Frames, "disconnected_readers", p.Readers)
}

// pressure is how it stands.
func (w *watermark) pressure() Pressure {
	p := Pressure{Stage: Stage(w.stage.Load()), Used: w.used.Load(), Connections: w.connections.Load(), Publishes: w.publishes.Load(),
		Histories: w.histories.Load(), Frames: w.frames.Load(), Readers: w.readers.Load()}
	if w.memory != nil {
		p.Limit = w.memory.Limit()
	}
	return p
}

// refuse is why nothing comes in at the moment, nil if something does; count is of what is refused.
func (w *watermark) Refuse(count *atomic.Uint64) *protocol.Refusal {
	stage := Stage(w.stage.Load())
	if stage == Calm {
		return nil
	}
	count.Add(1)
	why := protocol.Refuse(protocol.Busy, "the server is short of memory (memory.limit); come back later or try another")
	why.RetryAfter = max(time.Second, time.Duration(stage)*stageHold-w.held())
	return why
}
