package api

import (
	"context"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/protocol"
)

// healthz does GET /healthz: the process lives and serves.
func (a *API) healthz(_ context.Context, rc *requestContext) error {
	rc.out = append(rc.out, `{"status":"ok"}`...)
	return nil
}

// readyz does GET /readyz (spec R001.81): 200 if canary events just went through every shard of topics and users,
// outboxes and writers, the server has memory, and it is not draining. A stuck actor is named, but is no reason to send
// everybody elsewhere: it concerns its tenant alone, and what concerns everybody stops the canary, too. A full disk is
// named as well: it concerns durable topics alone, and no other server may have them. While the store is being opened
// the server is not ready.
func (a *API) readyz(ctx context.Context, rc *requestContext) error {
	h := a.node.Health()
	took, err := a.ready(ctx, &h)
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

// Ready returns how long a canary event took just now, or why the server is not ready, as /readyz does. It blocks for a
// second at most. Frequent calls share one canary.
func (a *API) Ready(ctx context.Context) (canary time.Duration, err error) {
	h := a.node.Health()
	return a.ready(ctx, &h)
}

func (a *API) ready(ctx context.Context, h *actors.Health) (time.Duration, error) {
	if a.node.Draining() {
		return 0, protocol.Refuse(protocol.Draining, "the server is draining: its clients are sent elsewhere")
	}
	if p := h.Pressure; p.Stage >= health.Refusing {
		return 0, protocol.Refuse(protocol.Busy,
			"the server is short of memory (%s): %d of %d bytes are in use", p.Stage, p.Used, p.Limit)
	}
	if refusal := h.Storage.Refusal; refusal != nil && !h.Storage.Full {
		return 0, refusal
	}
	return a.canary.check(ctx)
}

// appendStuck appends the stuck actors.
func appendStuck(dst []byte, all []health.Stuck) []byte {
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
