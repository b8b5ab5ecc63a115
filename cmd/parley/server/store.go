package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/backup"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/journal"
)

// openWait is how long the start, or a reload, waits for the store of durable topics. By then it is known whether
// something is wrong with the directory, such as that another process has it. On a full disk, and with a store that
// takes longer, the server goes on without durable topics until the store is open.
const openWait = time.Second

// openStore opens the store of durable topics, if there are to be any, and gives it to the engine. Once open it stays
// open: a topic in it does not lose its events because a rule has changed. A start without durable topics notes that
// beside the store. late gets the error of a store that fails to open after openWait.
func (s *Server) openStore(cfg *config.Config, late func(error)) error {
	s.storeTurn.Lock()
	defer s.storeTurn.Unlock()
	if s.opening != nil {
		return nil
	}
	own, dir, start := cfg.Store, filepath.Join(cfg.Data, backup.Topics), time.Now()
	if !cfg.HasDurableTopics() {
		s.skipStore(cfg, dir)
		return nil
	}
	rules := map[string]policy.Rules{}
	for _, tenant := range cfg.Limits() {
		rules[tenant.Name] = tenant.Rules
	}
	own.Rules = policy.DurableTopics(rules)
	own.Boot, own.Logger, own.Fatal = machineBoot, s.log, s.exitOnStoreFailure
	opening := durable.Begin(dir, own)
	s.node.AwaitStore(opening)
	wait, cancel := context.WithTimeout(context.Background(), openWait)
	defer cancel()
	store, err := opening.Wait(wait)
	switch {
	case err == nil:
		if err := s.setStore(store, start); err != nil {
			s.node.AwaitStore(nil)
			return err
		}
	case errors.Is(err, context.DeadlineExceeded):
		s.log.Warn("durable topics are not open yet; all else is served, and they are refused until they are",
			"directory", cfg.Data, "cause", opening.Refusal().Error())
		s.awaitStore(opening, start, late)
	default:
		s.node.AwaitStore(nil)
		return err
	}
	s.opening = opening
	return nil
}

// openRevocations opens the journal of revocations, if there is a data directory, and is the first to look into that.
// The journal is no part of the store: revocations must be kept even if no topic is durable, and known before the first
// client comes.
func (s *Server) openRevocations(cfg *config.Config) error {
	if cfg.Data == "" {
		return nil
	}
	if err := backup.Unfinished(cfg.Data); err != nil {
		return err
	}
	path := filepath.Join(cfg.Data, "revocations")
	kept, err := journal.Open(path)
	if err != nil {
		return fmt.Errorf("revocations: %w", err)
	}
	if n := kept.Broken(); n > 0 {
		s.log.Error("some revocations on disk are damaged; tokens revoked by them work again, so revoke them anew",
			"file", path, "lines", n)
	}
	s.revocations, cfg.Auth.Journal = kept, kept
	return nil
}

// skipStore notes beside a store that this run does not use it, so that its topics are served without it.
func (s *Server) skipStore(cfg *config.Config, dir string) {
	if cfg.Data == "" {
		return
	}
	if err := durable.MarkUnserved(dir); err != nil {
		s.log.Warn("the store of durable topics does not know that none is durable now", "directory", dir, "cause", err)
	}
}

// awaitStore gives the engine its store when that is open, unless the server ends before.
func (s *Server) awaitStore(opening *durable.Opening, start time.Time, late func(error)) {
	s.feeds.Go(func() {
		store, err := opening.Wait(s.running)
		s.storeTurn.Lock()
		defer s.storeTurn.Unlock()
		switch {
		case s.running.Err() != nil:
			opening.Abandon()
		case err != nil:
			s.opening = nil // the next reload tries again
			late(err)
		default:
			if err := s.setStore(store, start); err != nil {
				s.opening = nil
				late(err)
			}
		}
	})
}

// setStore gives the engine its store. The caller holds the lock.
func (s *Server) setStore(store *durable.Store, start time.Time) error {
	if err := s.node.UseStore(store); err != nil {
		return errors.Join(fmt.Errorf("store of durable topics in %s: %w", s.config.Data, err), store.Close())
	}
	s.log.Info("durable topics are open", "directory", s.config.Data, "after",
		time.Since(start).Round(time.Millisecond))
	s.store = store
	return nil
}

// storeFailedAtStart ends the server if its store cannot be opened: with such a store it would not have started.
func (s *Server) storeFailedAtStart(err error) { s.failed <- err }

// storeFailedAtReload leaves the durable topics refused: the server was well before they came.
func (s *Server) storeFailedAtReload(err error) {
	s.log.Error("durable topics cannot be opened; they stay refused until another reload finds the cause gone", "cause",
		err)
}

// Failed delivers the error with which the server must end, if one comes after New.
func (s *Server) Failed() <-chan error { return s.failed }

// exitOnStoreFailure ends the process when the disk has failed: memory and disk then differ, and only a new start makes
// them the same again. No publish was answered that is not on disk.
func (s *Server) exitOnStoreFailure(sentence string) {
	s.log.Error("the store of durable topics has failed; ending at once, start again when the disk is well", "cause",
		sentence)
	s.options.Exit(exitStore)
}

// exitStore is the exit status after the disk has failed.
const exitStore = 3
