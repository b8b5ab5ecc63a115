package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// durable plays a part of a scenario under conditions in which devices called durable-... have durable topics. If the
// server does not keep such a topic across a clean restart, the checks fail and say so.
func durable(r *scenario.Run, checks []int, part func(server.Conditions)) {
	c := server.Conditions{
		Args: []string{"--data", filepath.Join(r.Dir, "data")},
		Env:  append([]string{"PARLEY_TOPICS_DURABLE=telemetry/durable-*", "PARLEY_LOG_FORMAT=text"}, remembering...),
	}
	if err := keepsTopics(r, c); err != nil {
		for _, check := range checks {
			r.Want(check, false, "durable topics are not supported: %s", err)
		}
		return
	}
	part(c)
}

// keeps publishes an event, restarts the server cleanly, and looks for it.
func keepsTopics(r *scenario.Run, c server.Conditions) error {
	const device = "durable-probe"
	s := r.New(c)
	defer s.Stop()
	r.Start(s)
	ack, err := s.Publish(device, 1, 0)
	if err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if _, err := s.Exit(10 * time.Second); err != nil {
		return err
	}
	r.Start(s)
	record, err := s.Record(device)
	switch {
	case err != nil:
		return fmt.Errorf("after a clean restart its history: %w", err)
	case record.Epoch != ack.Epoch || len(record.Events) != 1:
		return fmt.Errorf("after a clean restart it is in epoch %q instead of %q and holds %d of 1 events",
			record.Epoch, ack.Epoch, len(record.Events))
	}
	return nil
}
