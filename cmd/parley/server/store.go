package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/backup"
	"github.com/parley-realtime/parley/cmd/parley/config"
)

// openWait is how long the start, or a reload, waits for the store of durable topics. By then it is known whether
// something is wrong with the directory, such as that another process has it. On a full disk, and with a store that
// takes longer, the server goes on without durable topics until the store is open.
const openWait = time.Second

// topicStore is the store of durable topics. It is opened when there are to be any.
type topicStore struct {
	// Static.
	node       *actors.Node // gets the store
	log        *slog.Logger
	exit       func(status int)
	background *background
	failed     chan error // gets the error with which the server must end; has room for one

	turn    sync.Mutex       // guards what follows
	opening *durable.Opening // nil while no topic is durable
	store   *durable.Store   // nil until it is open
}

// open opens the store, if there are to be durable topics, and gives it to the engine. Once open it stays open: a topic
// in it does not lose its events because a rule has changed. A start without durable topics notes that beside the
// store. late gets the error of a store that fails to open after openWait.
func (t *topicStore) open(cfg *config.Config, late func(error)) error {
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.opening != nil {
		return nil
	}
	dir, start := filepath.Join(cfg.Data, backup.Topics), time.Now()
	if !cfg.HasDurableTopics() {
		t.skip(cfg, dir)
		return nil
	}
	opening := durable.Begin(dir, t.settings(cfg))
	t.node.AwaitStore(opening)
	wait, cancel := context.WithTimeout(context.Background(), openWait)
	defer cancel()
	store, err := opening.Wait(wait)
	switch {
	case err == nil:
		if err := t.use(store, cfg.Data, start); err != nil {
			t.node.AwaitStore(nil)
			return err
		}
	case errors.Is(err, context.DeadlineExceeded):
		t.log.Warn("durable topics are not open yet; all else is served, and they are refused until they are",
			"directory", cfg.Data, "cause", opening.Refusal().Error())
		t.await(opening, cfg.Data, start, late)
	default:
		t.node.AwaitStore(nil)
		return err
	}
	t.opening = opening
	return nil
}

// settings are the store's, with the rules that say which topics are durable.
func (t *topicStore) settings(cfg *config.Config) durable.Config {
	own, rules := cfg.Store, map[string]policy.Rules{}
	for _, tenant := range cfg.Limits() {
		rules[tenant.Name] = tenant.Rules
	}
	own.Rules = policy.DurableTopics(rules)
	own.Boot, own.Logger, own.Fatal = machineBoot, t.log, t.exitOnFailure
	return own
}

// skip notes beside a store that this run does not use it, so that its topics are served without it.
func (t *topicStore) skip(cfg *config.Config, dir string) {
	if cfg.Data == "" {
		return
	}
	if err := durable.MarkUnserved(dir); err != nil {
		t.log.Warn("the store of durable topics does not know that none is durable now", "directory", dir, "cause", err)
	}
}

// await gives the engine its store when that is open, unless the server ends before.
func (t *topicStore) await(opening *durable.Opening, data string, start time.Time, late func(error)) {
	t.background.start(func(ctx context.Context) {
		store, err := opening.Wait(ctx)
		t.turn.Lock()
		defer t.turn.Unlock()
		switch {
		case ctx.Err() != nil:
			opening.Abandon()
		case err != nil:
			t.opening = nil // the next reload tries again
			late(err)
		default:
			if err := t.use(store, data, start); err != nil {
				t.opening = nil
				late(err)
			}
		}
	})
}

// use gives the engine its store, which is in the data directory. The caller holds the lock.
func (t *topicStore) use(store *durable.Store, data string, start time.Time) error {
	if err := t.node.UseStore(store); err != nil {
		return errors.Join(fmt.Errorf("store of durable topics in %s: %w", data, err), store.Close())
	}
	t.log.Info("durable topics are open", "directory", data, "after", time.Since(start).Round(time.Millisecond))
	t.store = store
	return nil
}

// close ends the store, if it is open. Call it when nothing runs in the background any more.
func (t *topicStore) close() error {
	if t.store == nil {
		return nil
	}
	return t.store.Close()
}

// failedAtStart ends the server if its store cannot be opened: with such a store it would not have started.
func (t *topicStore) failedAtStart(err error) { t.failed <- err }

// failedAtReload leaves the durable topics refused: the server was well before they came.
func (t *topicStore) failedAtReload(err error) {
	t.log.Error("durable topics cannot be opened; they stay refused until another reload finds the cause gone", "cause",
		err)
}

// exitOnFailure ends the process when the disk has failed: memory and disk then differ, and only a new start makes
// them the same again. No publish was answered that is not on disk.
func (t *topicStore) exitOnFailure(sentence string) {
	t.log.Error("the store of durable topics has failed; ending at once, start again when the disk is well", "cause",
		sentence)
	t.exit(exitStore)
}

// exitStore is the exit status after the disk has failed.
const exitStore = 3
