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

// heralds are the dispatchers of those tenants whose backends get the lifecycle events of their clients. The dispatcher
// of a removed tenant stays: it still has to send the ends of the tenant's connections.
type heralds struct {
	log *slog.Logger

	mu       sync.Mutex // guards byTenant
	byTenant map[string]*webhook.Dispatcher
}

// fit gives tenants their dispatchers, and dispatchers their settings. A dispatcher whose new settings are wrong keeps the
// old ones.
func (h *heralds) fit(limits []actors.TenantConfig, hooks map[string]webhook.Config) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []error
	for i := range limits {
		hook := hooks[limits[i].Name]
		if !hook.Enabled() {
			continue
		}
		hook.Logger = h.log
		dispatcher, err := h.dispatcher(limits[i].Name, hook)
		if err != nil {
			all = append(all, fmt.Errorf("tenant %s: %w", limits[i].Name, err))
		}
		if dispatcher != nil {
			limits[i].Lifecycle.Herald = dispatcher
		}
	}
	return errors.Join(all...)
}

// dispatcher returns the dispatcher of a tenant, which it makes if there is none; nil if that is not possible. The caller
// holds the lock.
func (h *heralds) dispatcher(tenant string, hook webhook.Config) (*webhook.Dispatcher, error) {
	if known := h.byTenant[tenant]; known != nil {
		return known, known.Reload(hook)
	}
	made, err := webhook.New(tenant, hook)
	if err == nil {
		h.byTenant[tenant] = made
	}
	return made, err
}

// dismiss ends the dispatchers of tenants that want none any more. Their waiting events are lost.
func (h *heralds) dismiss(limits []actors.TenantConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range limits {
		if dispatcher := h.byTenant[limits[i].Name]; dispatcher != nil && limits[i].Lifecycle.Herald == nil {
			dispatcher.Close(gone())
			delete(h.byTenant, limits[i].Name)
		}
	}
}

// lastWords is how long webhooks may take for what is told after the drain.
const lastWords = time.Second

// gone is a context that has ended.
func gone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (h *heralds) each(do func(*webhook.Dispatcher)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all sync.WaitGroup
	for _, dispatcher := range h.byTenant {
		all.Go(func() { do(dispatcher) })
	}
	all.Wait()
}

// flush sends what waits, until the context ends.
func (h *heralds) flush(ctx context.Context) {
	h.each(func(c *webhook.Dispatcher) { _ = c.Flush(ctx) })
}

// close sends what waits, until the context ends, and ends the dispatchers.
func (h *heralds) close(ctx context.Context) {
	h.each(func(c *webhook.Dispatcher) { c.Close(ctx) })
}

// figures tell the API what became of the events.
func (h *heralds) figures() map[string]api.WebhookStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]api.WebhookStats{}
	for name, dispatcher := range h.byTenant {
		f := dispatcher.Stats()
		all[name] = api.WebhookStats{
			Taken: f.Delivered, Overflow: f.Overflow, End: f.Unsent, Batches: f.Batches, Failures: f.Failures,
			Waiting: f.Waiting, Failing: f.Failing,
		}
	}
	return all
}
