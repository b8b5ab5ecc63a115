package api

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/protocol"
)

const (
	// canaryTime is how long a probe may take before the node counts as stuck.
	canaryTime = time.Second
	// canaryAge is how long a result holds, so that frequent calls do not load the node.
	canaryAge = 250 * time.Millisecond
)

// canary sends at most one probe at a time and remembers its result.
type canary struct {
	probe  func(context.Context) (time.Duration, error)
	logger *slog.Logger
	sem    chan struct{} // a semaphore: full while a probe is out
	last   *atomic.Pointer[canaryResult]
}

// canaryResult is the result of a probe.
type canaryResult struct {
	at   time.Time
	took time.Duration
	err  error
}

func newCanary(probe func(context.Context) (time.Duration, error), logger *slog.Logger) canary {
	return canary{probe: probe, logger: logger, sem: make(chan struct{}, 1), last: new(atomic.Pointer[canaryResult])}
}

// check returns the result of the last probe if it is fresh, and otherwise sends one. Other callers wait for it. It
// blocks for canaryTime at most.
func (c *canary) check(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, canaryTime)
	defer cancel()
	if s := c.cached(); s != nil {
		return s.took, s.err
	}
	select {
	case c.sem <- struct{}{}:
	case <-ctx.Done():
		return 0, notReady(context.DeadlineExceeded)
	}
	defer func() { <-c.sem }()
	if s := c.cached(); s != nil {
		return s.took, s.err
	}
	s := c.sendProbe()
	c.last.Store(s)
	return s.took, s.err
}

func (c *canary) cached() *canaryResult {
	if s := c.last.Load(); s != nil && time.Since(s.at) < canaryAge {
		return s
	}
	return nil
}

// sendProbe sends a probe; the caller holds sem. The result is for all callers, so the probe does not end with the
// request that sent it.
func (c *canary) sendProbe() *canaryResult {
	ctx, cancel := context.WithTimeout(context.Background(), canaryTime)
	defer cancel()
	took, err := c.probe(ctx)
	if err == nil && took > canaryTime {
		err = context.DeadlineExceeded
	}
	c.logChange(err)
	return &canaryResult{at: time.Now(), took: took, err: notReady(err)}
}

// logChange logs when the canary begins or ceases to fail, and not each probe.
func (c *canary) logChange(err error) {
	before := c.last.Load()
	switch wasReady := before == nil || before.err == nil; {
	case err != nil && wasReady:
		c.logger.Warn("not ready: the canary did not come through", "error", err.Error())
	case err == nil && !wasReady:
		c.logger.Info("ready again: the canary came through")
	}
}

// notReady turns the error of a probe into that of a call.
func notReady(err error) error {
	var lost *health.Lost
	switch refusal := protocol.AsRefusal(err); {
	case err == nil:
		return nil
	case errors.As(err, &lost):
		return protocol.Refuse(protocol.Busy, "the canary is not back after %s: %s", canaryTime, lost)
	case errors.Is(err, context.DeadlineExceeded):
		return protocol.Refuse(protocol.Busy, "the canary is not back after %s", canaryTime)
	case refusal.Reason == protocol.Draining:
		return refusal
	default:
		return protocol.Refuse(protocol.Busy, "the canary did not come through: %s", refusal.Reason.Message())
	}
}
