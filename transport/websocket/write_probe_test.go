package websocket

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
)

// stuckOutbox is an outbox that keeps its writer until open is closed.
type stuckOutbox struct {
	probeOutbox
	open chan struct{}
}

func (h *stuckOutbox) Take(into []*outbox.Frame, _ int) []*outbox.Frame {
	<-h.open
	return into
}

func TestProbe_PassesEachReadyQueueButNotOneWhoseWritersAreStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Writers = 3 * writersPerQueue
		s, err := New(config, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		through := func(name string) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return s.Probes()[name](ctx)
		}
		for range 3 {
			for name := range s.Probes() {
				if err := through(name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if all := len(s.Probes()); all != 3 {
			t.Errorf("%d probes for 3 queues", all)
		}
		open := make(chan struct{})
		for range writersPerQueue * batchSize { // each writer of the queue gets a socket that keeps it
			k := &socket{server: s, fd: fdRef{number: noFD}, queue: s.queues[1], outbox: &stuckOutbox{open: open}}
			k.Wake()
		}
		synctest.Wait()
		for name, stuck := range map[string]bool{"writers 0": false, "writers 1": true, "writers 2": false} {
			if err := through(name); (err != nil) != stuck {
				t.Errorf("%s: %v", name, err)
			}
		}
		close(open)
		synctest.Wait()
		if err := through("writers 1"); err != nil {
			t.Errorf("when its writers go on: %v", err)
		}
		s.Close()
	})
}
