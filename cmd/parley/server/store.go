package server

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-realtime/parley/actors/slot"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/journal"
)

// keep opens the store of durable topics, if there are to be any, and gives it to the engine. Once open it stays so: a
// topic that is in it does not lose its events because a rule has changed.
func (s *Server) keep(cfg *config.Config) error {
	if s.store != nil || !cfg.Keeps() {
		return nil
	}
	own := cfg.Store
	own.Boot = machineBoot
	own.Logger, own.Fatal = s.log, func(sentence string) { endAtOnce(s.log, sentence) }
	start := time.Now()
	store, err := slot.Open(filepath.Join(cfg.Data, "topics"), own)
	if err != nil {
		return err
	}
	s.log.Info("durable topics are open", "directory", cfg.Data, "after", time.Since(start).Round(time.Millisecond))
	s.store = store
	s.node.Keep(store)
	return nil
}

// recall opens what is kept of revocations, if there is a data directory. It is not a part of the store: revocations have
// to be kept when no topic is durable, and known before the first client comes.
func (s *Server) recall(cfg *config.Config) error {
	if cfg.Data == "" {
		return nil
	}
	path := filepath.Join(cfg.Data, "revocations")
	kept, err := journal.Open(path)
	if err != nil {
		return fmt.Errorf("revocations: %w", err)
	}
	if n := kept.Broken(); n > 0 {
		s.log.Error("some revocations on disk are damaged; tokens revoked by them work again, so revoke them anew", "file", path, "lines", n)
	}
	s.revocations, cfg.Auth.Journal = kept, kept
	return nil
}

// endAtOnce ends the process when the disk has failed: what is in memory is then no longer what is on disk, and only a
// new start makes them one again. Nothing was answered that is not on disk.
func endAtOnce(log *slog.Logger, sentence string) {
	log.Error("the store of durable topics has failed; ending at once, start again when the disk is well", "cause", sentence)
	os.Exit(exitStore)
}

// exitStore is the exit status after the disk has failed.
const exitStore = 3
