package server

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// evictor ends what stands on keys and tenants that a reload has removed.
type evictor struct {
	node     *actors.Node
	verifier *auth.Verifier
	log      *slog.Logger
}

// keysOf are the keys that the tenants have now.
func (e evictor) keysOf(tenants []config.Tenant) map[string][]protocol.KeyFingerprint {
	all := map[string][]protocol.KeyFingerprint{}
	for i := range tenants {
		all[tenants[i].Name] = e.verifier.Keys(tenants[i].Name)
	}
	return all
}

// unsubscribeKeys ends the subscriptions that rest on keys which a tenant has no more.
func (e evictor) unsubscribeKeys(tenant string, before []protocol.KeyFingerprint) {
	gone := map[protocol.KeyFingerprint]bool{}
	for _, key := range before {
		gone[key] = !slices.Contains(e.verifier.Keys(tenant), key)
	}
	if !slices.ContainsFunc(before, func(key protocol.KeyFingerprint) bool { return gone[key] }) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyTime)
	defer cancel()
	unsubscribed, err := e.node.RetainKeys(ctx, tenant, func(key protocol.KeyFingerprint) bool {
		return !gone[key] || slices.Contains(e.verifier.Keys(tenant), key)
	})
	e.log.Info("keys were removed", "tenant", tenant, "unsubscribed", unsubscribed)
	if err != nil {
		e.log.Error("what stands on removed keys has not ended yet", "tenant", tenant, "error", err)
	}
}

// keyTime is how long a reload waits until the subscriptions of removed keys have ended.
const keyTime = 5 * time.Second

// disconnectRemoved closes the connections of those tenants that are no more. Their keys are gone, so their clients
// cannot come back.
func (e evictor) disconnectRemoved(before, now []config.Tenant) {
	for _, gone := range before {
		if !slices.ContainsFunc(now, func(t config.Tenant) bool { return t.Name == gone.Name }) {
			e.disconnectTenant(gone.Name)
		}
	}
}

func (e evictor) disconnectTenant(tenant string) {
	query := actors.ConnectionQuery{Limit: 1000}
	for {
		page, next, err := e.node.Connections(context.Background(), tenant, query)
		if err != nil {
			e.log.Error("connections of a removed tenant", "tenant", tenant, "error", err)
			return
		}
		for _, c := range page {
			_ = e.node.Disconnect(tenant, c.ID, protocol.Revoked.CloseCode(), string(protocol.Revoked))
		}
		if next == "" {
			return
		}
		query.Cursor = next
	}
}
