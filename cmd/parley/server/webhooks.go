package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/webhook"
)

// heralds are the couriers of those tenants whose backends are told what happens to their clients. The courier of a
// tenant that is no more stays: it has the ends of its connections to tell.
type webhooks struct {
	log *slog.Logger

	mu       sync.Mutex // guards byTenant
	byTenant map[string]*webhook.Courier
}

// fit gives tenants the couriers that they are to have, and couriers the settings. A courier whose new settings are wrong
// keeps the old ones.
func (h *webhooks) update(limits []actors.TenantConfig, hooks map[string]webhook.Config) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []error
	for i := range limits {
		hook := hooks[limits[i].Name]
		if !hook.On() {
			continue
		}
		hook.Logger = h.log
		courier, err := h.sender(limits[i].Name, hook)
		if err != nil {
			all = append(all, fmt.Errorf("tenant %s: %w", limits[i].Name, err))
		}
		if courier != nil {
			limits[i].Lifecycle.Herald = courier
		}
	}
	return errors.Join(all...)
}

// courier is that of a tenant, made if there is none; nil if that cannot be. The caller holds the lock.
func (h *webhooks) sender(tenant string, hook webhook.Config) (*webhook.Courier, error) {
	if known := h.byTenant[tenant]; known != nil {
		return known, known.Reload(hook)
	}
	made, err := webhook.New(tenant, hook)
	if err == nil {
		h.byTenant[tenant] = made
	}
	return made, err
}

// dismiss ends the couriers of tenants that want none any more; what waits for them is lost.
func (h *webhooks) remove(limits []actors.TenantConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range limits {
		if courier := h.byTenant[limits[i].Name]; courier != nil && limits[i].Lifecycle.Herald == nil {
			courier.Close(canceled())
			delete(h.byTenant, limits[i].Name)
		}
	}
}

// lastWords is how long webhooks may take for what is told after the drain.
const flushTime = time.Second

// gone is a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (h *webhooks) each(do func(*webhook.Courier)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all sync.WaitGroup
	for _, courier := range h.byTenant {
		all.Go(func() { do(courier) })
	}
	all.Wait()
}

// flush sends what waits, until the context ends.
func (h *webhooks) flush(ctx context.Context) {
	h.each(func(c *webhook.Courier) { _ = c.Flush(ctx) })
}

// close sends what waits, until the context ends, and ends the couriers.
func (h *webhooks) close(ctx context.Context) {
	h.each(func(c *webhook.Courier) { c.Close(ctx) })
}

// figures tell the API what became of the events.
func (h *webhooks) metrics() map[string]api.WebhookStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]api.WebhookStats{}
	for name, courier := range h.byTenant {
		f := courier.Figures()
		all[name] = api.WebhookStats{Taken: f.Taken, Overflow: f.Overflow, End: f.End, Batches: f.Batches, Failures: f.Failures, Waiting: f.Waiting, Failing: f.Failing}
	}
	return all
}
