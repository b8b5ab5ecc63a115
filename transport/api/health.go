package api

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// healthz does GET /healthz: the process lives and serves.
func (a *API) healthz(_ context.Context, rc *requestContext) error {
	rc.out = append(rc.out, `{"status":"ok"}`...)
	return nil
}

// readyz does GET /readyz (spec R001.81): 200 if canary events just went through topics, users, outboxes and writers in every shard of
// them, the server has memory, and it is not going away. An actor that is stuck is named, and no reason to send everybody elsewhere:
// it concerns its tenant alone, and what concerns all is stuck for the canary, too. A full disk is named as well: it concerns durable
// topics alone, and no other server may have them. A store that is just being opened is a server that is just being started.
func (a *API) readyz(ctx context.Context, rc *requestContext) error {
	if a.node.Draining() {
		return protocol.Refuse(protocol.Draining, "the server is draining: its clients are sent elsewhere")
	}
	h := a.node.Health()
	if p := h.Pressure; p.Stage >= actors.Refusing {
		return protocol.Refuse(protocol.Busy, "the server is short of memory (%s): %d of %d bytes are in use", p.Stage, p.Used, p.Limit)
	}
	if refusal := h.Storage.Refusal; refusal != nil && !h.Storage.Full {
		return refusal
	}
	took, err := a.canary.check(ctx)
	if err != nil {
		return err
	}
	rc.out = append(rc.out, `{"status":"ready","canary_seconds":`...)
	rc.out = strconv.AppendFloat(rc.out, took.Seconds(), 'f', 6, 64)
	if len(h.Stuck) > 0 {
		rc.out = appendStuck(appendMember(rc.out, "stuck"), h.Stuck)
	}
	if refusal := h.Storage.Refusal; refusal != nil {
		rc.out = appendTextMember(rc.out, "storage", refusal.Error())
	}
	rc.out = append(rc.out, '}')
	return nil
}

// appendStuck appends the actors that are stuck.
func appendStuck(dst []byte, all []actors.Stuck) []byte {
	dst = append(dst, '[')
	for i, s := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTextMember(append(dst, '{'), "actor", s.Actor)
		dst = appendTextMember(dst, "tenant", s.Tenant)
		dst = appendTextMember(dst, "name", s.Name)
		dst = appendTextMember(dst, "at", s.Message)
		dst = strconv.AppendFloat(appendMember(dst, "seconds"), s.For.Seconds(), 'f', 3, 64)
		dst = append(appendCount(dst, "waiting", s.Waiting), '}')
	}
	return append(dst, ']')
}

const (
	// canaryTime is how long the canary may take before the node counts as stuck.
	canaryTime = time.Second
	// canaryAge is for how long an answer holds, so that asking often does not load the node.
	canaryAge = 250 * time.Millisecond
)

// canary sends at most one probe at a time and remembers what became of it.
type canary struct {
	probe  func(context.Context) (time.Duration, error)
	logger *slog.Logger
	sem    chan struct{} // holds one token while a probe is out; whoever put it owns what follows
	last   *atomic.Pointer[canaryResult]
}

// sighting is what became of a probe.
type canaryResult struct {
	at   time.Time
	took time.Duration
	err  error
}

func newCanary(probe func(context.Context) (time.Duration, error), logger *slog.Logger) canary {
	return canary{probe: probe, logger: logger, sem: make(chan struct{}, 1), last: new(atomic.Pointer[canaryResult])}
}

// ask answers from the last probe if it is young enough, else sends one. Whoever asks meanwhile waits for it.
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

// send is for the one who has the turn. The probe is everybody's, so it does not end with the request that sent it.
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

// note logs the change from one state to the other, not each probe.
func (c *canary) logChange(err error) {
	before := c.last.Load()
	switch wasReady := before == nil || before.err == nil; {
	case err != nil && wasReady:
		c.logger.Warn("not ready: the canary did not come through", "error", err.Error())
	case err == nil && !wasReady:
		c.logger.Info("ready again: the canary came through")
	}
}

// unready is what a probe's error means to those who ask.
func notReady(err error) error {
	var lost *actors.Lost
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
