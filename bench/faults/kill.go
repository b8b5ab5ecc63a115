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
// an event that was acknowledged before and is published again gets the first answer (check 29). Starting takes less
// than 2 s.
func kill(r *scenario.Run) {
	rounds := r.Size(100, 8)
	k := &killing{r: r, s: r.Serve(server.Conditions{Env: remembering}), publisher: fresh("memory")}
	for range rounds {
		k.round()
		k.wantPositionLost()
	}
	k.check(rounds, "memory")
	durable(r, []int{29, 36, 47}, func(c server.Conditions) {
		k := &killing{r: r, s: r.Serve(c), publisher: fresh("durable-1")}
		for range rounds {
			k.round()
			k.wantResumed()
		}
		r.Figure(29, "%d events published again after a kill: each got its first answer", rounds)
		var err error
		k.record, err = k.s.Record(k.publisher.Device)
		r.Must(err)
		k.check(rounds, "durable")
	})
}

// remembering lets topics remember all that a scenario publishes.
var remembering = []string{"PARLEY_ENGINE_HISTORY_COUNT=1000000", "PARLEY_ENGINE_HISTORY_BYTES=1073741824"}

func fresh(device string) *scenario.Publisher {
	return &scenario.Publisher{Device: device, Publishers: 2}
}

// killing is one server that is killed again and again.
type killing struct {
	r         *scenario.Run
	s         *server.Server
	publisher *scenario.Publisher
	heard     [3][]uint64 // of each reader, with breaks
	slowest   time.Duration
	record    *checker.Record
}

// round publishes and listens until the server is killed, and starts it again.
func (k *killing) round() {
	group, err := client.DialAll(k.s.Address, len(k.heard), client.Users("reader", k.publisher.Device))
	k.r.Must(err)
	defer group.Close()
	group.Listen()
	before := k.publisher.Acked()
	k.publisher.Start(k.s)
	_, going := k.r.Await(5*time.Second, func() bool { return k.publisher.Acked() > before })
	time.Sleep(time.Duration(k.r.Random.IntN(150_000)) * time.Microsecond)
	k.s.Kill()
	k.publisher.Stop()
	if !going {
		k.r.Must(fmt.Errorf("nothing was acknowledged within 5 s; refused: %v", k.publisher.Refused))
	}
	group.Wait(5 * time.Second)
	for i, c := range group.Clients {
		k.heard[i] = append(append(k.heard[i], c.Heard...), checker.Break)
	}
	k.r.Start(k.s)
	k.slowest = max(k.slowest, k.s.Took)
}

// wantPositionLost wants that the server tells a reader that comes back to a memory topic that its position is lost.
func (k *killing) wantPositionLost() {
	last := k.publisher.Acks[len(k.publisher.Acks)-1]
	_, err := k.s.After(k.publisher.Device, last.Epoch, last.Offset)
	k.r.Want(47, server.Status(err) == http.StatusConflict, "resuming at %s %d in a memory topic gave %v, not 409",
		last.Epoch, last.Offset, err)
	epoch, _, err := k.s.Position(k.publisher.Device)
	unknown := server.Status(err) == http.StatusNotFound
	k.r.Want(47, (err == nil || unknown) && epoch != last.Epoch,
		"after a kill the epoch of a memory topic is %q, %v; it was %q", epoch, err, last.Epoch)
}

// wantResumed wants that a reader resumes in a durable topic, and that an acknowledged event is not published twice.
func (k *killing) wantResumed() {
	last := k.publisher.Acks[len(k.publisher.Acks)-1]
	missed, err := k.s.After(k.publisher.Device, last.Epoch, last.Offset)
	k.r.Want(47, err == nil && missed.Epoch == last.Epoch, "resuming at %s %d in a durable topic gave epoch %q, %v",
		last.Epoch, last.Offset, missed.Epoch, err)
	again, err := k.s.Publish(k.publisher.Device, last.Number, 0)
	k.r.Want(29, err == nil && again == last,
		"event %d was acknowledged at %s %d; published again after a kill, at %s %d, %v", last.Number, last.Epoch,
		last.Offset, again.Epoch, again.Offset, err)
}

// check has the checker read what happened to the topic.
func (k *killing) check(rounds int, what string) {
	var readers []checker.Reader
	for i, heard := range k.heard {
		readers = append(readers, checker.Reader{Name: fmt.Sprint("reader ", i), Heard: heard})
	}
	faults := k.publisher.Topic(readers, k.record).Faults()
	k.r.Faultless(47, faults)
	k.r.Want(47, k.slowest < k.r.Bound(2*time.Second), "%s: a start took %s", what, k.slowest)
	epochs := map[string]bool{}
	for _, a := range k.publisher.Acks {
		epochs[a.Epoch] = true
	}
	k.r.Figure(47, "%s: %d kills, %d acknowledged of %d sent, %d epochs, slowest start %d ms", what, rounds,
		len(k.publisher.Acks), len(k.publisher.Sent), len(epochs), k.slowest.Milliseconds())
	lost := slices.ContainsFunc(faults, func(f checker.Fault) bool { return f.Kind == checker.Loss })
	k.r.Want(36, !lost, "%s: acknowledged events were lost", what)
	k.r.Figure(36, "%s: %d acknowledged, kept as promised", what, len(k.publisher.Acks))
}
