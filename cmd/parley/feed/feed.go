// Package feed publishes what the server itself has to say: the figures of its machine as system_status, in every mode,
// and in dev mode lively sample events, so that a client shows something at once.
//
// It promises that nothing it publishes is invented when it is called a figure: CPU, memory and disk are measured, the
// connections are counted; and that both feeds end when their context does. A publish that is refused is logged once at
// debug level and forgotten: the next one comes anyway.
//
// It asks for a Publisher, and knows no client and no dialect.
package feed

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// Publisher is what a feed needs of the node.
type Publisher interface {
	Publish(ctx context.Context, tenant string, to actors.Target, ev *protocol.Event) (actors.Receipt, error)
	OpenConnections(tenant string) int
	Tenants() []string
}

// publish sends one event to where its kind belongs.
func publish(ctx context.Context, to Publisher, tenant string, kind protocol.Kind, data []byte, log *slog.Logger) {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: kind, Data: data, Time: time.Now()})
	if err == nil {
		_, err = to.Publish(ctx, tenant, actors.Target{Topic: ev.HomeTopic()}, ev)
	}
	if err != nil && ctx.Err() == nil {
		log.Debug("feed: publish refused", "tenant", tenant, "kind", kind, "error", err)
	}
}
