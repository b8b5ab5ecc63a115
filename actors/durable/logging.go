package durable

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-hclog"
)

// quiet is Pebble's logger. What Pebble tells of its daily work is of no interest to an operator.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(sentence string)
}

var _ pebble.Logger = pebbleLogger{}

func (q pebbleLogger) Infof(format string, args ...any) {}

func (q pebbleLogger) Errorf(format string, args ...any) {
	q.log.Warn("the store complains", "cause", fmt.Sprintf(format, args...))
}

// Fatalf ends the process: Pebble must not go on, and nothing that waits has been answered.
func (q pebbleLogger) Fatalf(format string, args ...any) {
	sentence := "the store of durable topics cannot go on: " + fmt.Sprintf(format, args...)
	q.log.Error(sentence)
	q.fatal(sentence)
	panic(sentence)
}

func (q pebbleLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { q.log.Warn("the store failed in the background and tries again", "cause", err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			q.log.Error("a file of the store is damaged", "file", info.Path, "cause", info.Details)
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			q.log.Warn("the disk is slow", "file", info.Path, "took", info.Duration)
		},
	}
}

// raftLogger passes on what Raft says: its warnings and errors as such, the rest for who looks closely.
func raftLogger(log *slog.Logger, partition uint16) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(raftSink{log.With("slot", partition)})
	return l
}

type raftSink struct{ log *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (p raftSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	switch {
	case level >= hclog.Error:
		p.log.Error("raft: "+msg, args...)
	case level >= hclog.Warn:
		p.log.Warn("raft: "+msg, args...)
	default:
		p.log.Debug("raft: "+msg, args...)
	}
}
