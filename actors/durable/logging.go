package durable

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-hclog"
)

// pebbleLogger is Pebble's logger. It drops what Pebble tells of its daily work, which is of no interest to an
// operator.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(sentence string)
}

var _ pebble.Logger = pebbleLogger{}

func (l pebbleLogger) Infof(format string, args ...any) {}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Warn("the store complains", "cause", fmt.Sprintf(format, args...))
}

// Fatalf ends the process: Pebble must not go on, and nothing that waits has been answered.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	sentence := "the store of durable topics cannot go on: " + fmt.Sprintf(format, args...)
	l.log.Error(sentence)
	l.fatal(sentence)
	panic(sentence)
}

func (l pebbleLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			l.log.Warn("the store failed in the background and tries again", "cause", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("a file of the store is damaged", "file", info.Path, "cause", info.Details)
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			l.log.Warn("the disk is slow", "file", info.Path, "took", info.Duration)
		},
	}
}

// raftLogger passes on what Raft logs: warnings and errors as such, the rest at debug level.
func raftLogger(log *slog.Logger, partition uint16) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(raftSink{log.With("slot", partition)})
	return l
}

type raftSink struct{ log *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (s raftSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	switch {
	case level >= hclog.Error:
		s.log.Error("raft: "+msg, args...)
	case level >= hclog.Warn:
		s.log.Warn("raft: "+msg, args...)
	default:
		s.log.Debug("raft: "+msg, args...)
	}
}
