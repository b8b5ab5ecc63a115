package main

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// kill ends the server with kill -9 at random moments while two publishers publish as fast as they are answered and
// three readers listen, and starts it again. A memory topic is in another epoch then, and a reader that resumes in the
// old one is told so; on a durable topic every acknowledged event is there and readers resume (check 47, check 36), and
// an event that was acknowledged before and is published again gets the first answer (check 29). Starting takes less than
// 2 s.
func kill(d *scenario.Run) {
	rounds := d.Size(100, 8)
	k := &killing{d: d, s: d.Serve(server.Conditions{Env: remembering}), source: fresh("memory")}
	for range rounds {
		k.round()
		k.resumes()
	}
	k.judge(rounds, "memory")
	durable(d, []int{29, 36, 47}, func(c server.Conditions) {
		k := &killing{d: d, s: d.Serve(c), source: fresh("durable-1")}
		for range rounds {
			k.round()
			k.goesOn()
		}
		d.Figure(29, "%d events published again after a kill: each got its first answer", rounds)
		var err error
		k.record, err = k.s.Record(k.source.Device)
		d.Must(err)
		k.judge(rounds, "durable")
	})
}

// remembering lets topics remember all that a scenario publishes.
var remembering = []string{"PARLEY_ENGINE_HISTORY_COUNT=1000000", "PARLEY_ENGINE_HISTORY_BYTES=1073741824"}

func fresh(device string) *scenario.Publisher {
	return &scenario.Publisher{Device: device, Publishers: 2}
}

// killing is one server that is killed again and again.
type killing struct {
	d       *scenario.Run
	s       *server.Server
	source  *scenario.Publisher
	heard   [3][]uint64 // of each reader, with breaks
	slowest time.Duration
	record  *checker.Record
}

// round publishes and listens until the server is killed, and starts it again.
func (k *killing) round() {
	crowd, err := client.DialAll(k.s.Address, len(k.heard), client.Users("reader", k.source.Device))
	k.d.Must(err)
	defer crowd.Close()
	crowd.Listen()
	before := k.source.Acked()
	k.source.Start(k.s)
	_, going := k.d.Await(5*time.Second, func() bool { return k.source.Acked() > before })
	time.Sleep(time.Duration(k.d.Random.IntN(150_000)) * time.Microsecond)
	k.s.Kill()
	k.source.Stop()
	if !going {
		k.d.Must(fmt.Errorf("nothing was acknowledged within 5 s; refused: %v", k.source.Refused))
	}
	crowd.Wait(5 * time.Second)
	for i, c := range crowd.Clients {
		k.heard[i] = append(append(k.heard[i], c.Heard...), checker.Break)
	}
	k.d.Start(k.s)
	k.slowest = max(k.slowest, k.s.Took)
}

// resumes wants that a reader that comes back to a memory topic is told that its position is lost.
func (k *killing) resumes() {
	last := k.source.Acks[len(k.source.Acks)-1]
	_, err := k.s.After(k.source.Device, last.Epoch, last.Offset)
	k.d.Want(47, server.Status(err) == http.StatusConflict, "resuming at %s %d in a memory topic gave %v, not 409", last.Epoch, last.Offset, err)
	epoch, _, err := k.s.Position(k.source.Device)
	unknown := server.Status(err) == http.StatusNotFound
	k.d.Want(47, (err == nil || unknown) && epoch != last.Epoch, "after a kill the epoch of a memory topic is %q, %v; it was %q", epoch, err, last.Epoch)
}

// goesOn wants that a reader resumes in a durable topic, and that what was acknowledged is not published twice.
func (k *killing) goesOn() {
	last := k.source.Acks[len(k.source.Acks)-1]
	missed, err := k.s.After(k.source.Device, last.Epoch, last.Offset)
	k.d.Want(47, err == nil && missed.Epoch == last.Epoch, "resuming at %s %d in a durable topic gave epoch %q, %v", last.Epoch, last.Offset, missed.Epoch, err)
	again, err := k.s.Publish(k.source.Device, last.Number, 0)
	k.d.Want(29, err == nil && again == last, "event %d was acknowledged at %s %d; published again after a kill, at %s %d, %v", last.Number, last.Epoch, last.Offset, again.Epoch, again.Offset, err)
}

// judge lets the checker read the story.
func (k *killing) judge(rounds int, what string) {
	var readers []checker.Reader
	for i, heard := range k.heard {
		readers = append(readers, checker.Reader{Name: fmt.Sprint("reader ", i), Heard: heard})
	}
	faults := k.source.Topic(readers, k.record).Faults()
	k.d.Faultless(47, faults)
	k.d.Want(47, k.slowest < k.d.Bound(2*time.Second), "%s: a start took %s", what, k.slowest)
	epochs := map[string]bool{}
	for _, a := range k.source.Acks {
		epochs[a.Epoch] = true
	}
	k.d.Figure(47, "%s: %d kills, %d acknowledged of %d sent, %d epochs, slowest start %d ms", what, rounds, len(k.source.Acks), len(k.source.Sent), len(epochs), k.slowest.Milliseconds())
	lost := slices.ContainsFunc(faults, func(f checker.Fault) bool { return f.Kind == checker.Loss })
	k.d.Want(36, !lost, "%s: acknowledged events were lost", what)
	k.d.Figure(36, "%s: %d acknowledged, kept as promised", what, len(k.source.Acks))
}
