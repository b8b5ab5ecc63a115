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

// webhooks are the dispatchers of those tenants whose backends want to know what happens to their clients. The
// dispatcher of a removed tenant stays: it has yet to send the ends of its connections.
type webhooks struct {
	log *slog.Logger

	mu       sync.Mutex // guards byTenant
	byTenant map[string]*webhook.Dispatcher
}

// update gives each tenant its dispatcher, and each dispatcher its settings. A dispatcher whose new settings are wrong
// keeps the old ones.
func (h *webhooks) update(limits []actors.TenantConfig, hooks map[string]webhook.Config) error {
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
			limits[i].Lifecycle.Sink = dispatcher
		}
	}
	return errors.Join(all...)
}

// dispatcher returns a tenant's dispatcher, and makes it if there is none; nil if that fails. The caller holds the
// lock.
func (h *webhooks) dispatcher(tenant string, hook webhook.Config) (*webhook.Dispatcher, error) {
	if known := h.byTenant[tenant]; known != nil {
		return known, known.Reload(hook)
	}
	made, err := webhook.New(tenant, hook)
	if err == nil {
		h.byTenant[tenant] = made
	}
	return made, err
}

// remove ends the dispatchers of tenants that want none any more; events that wait in them are lost.
func (h *webhooks) remove(limits []actors.TenantConfig) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range limits {
		if dispatcher := h.byTenant[limits[i].Name]; dispatcher != nil && limits[i].Lifecycle.Sink == nil {
			dispatcher.Close(canceled())
			delete(h.byTenant, limits[i].Name)
		}
	}
}

// flushTime is how long webhooks may take to send the events that come after the drain.
const flushTime = time.Second

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (h *webhooks) each(do func(*webhook.Dispatcher)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all sync.WaitGroup
	for _, dispatcher := range h.byTenant {
		all.Go(func() { do(dispatcher) })
	}
	all.Wait()
}

// flush sends the events that wait, until the context ends.
func (h *webhooks) flush(ctx context.Context) {
	h.each(func(c *webhook.Dispatcher) { _ = c.Flush(ctx) })
}

// close sends the events that wait, until the context ends, and ends the dispatchers.
func (h *webhooks) close(ctx context.Context) {
	h.each(func(c *webhook.Dispatcher) { c.Close(ctx) })
}

// stats are those of the dispatchers, by tenant.
func (h *webhooks) stats() map[string]webhook.Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]webhook.Stats{}
	for name, dispatcher := range h.byTenant {
		all[name] = dispatcher.Stats()
	}
	return all
}

// metrics tell the API what became of the events.
func (h *webhooks) metrics() map[string]api.WebhookStats {
	all := map[string]api.WebhookStats{}
	for name, f := range h.stats() {
		all[name] = api.WebhookStats{
			Taken: f.Delivered, Overflow: f.Overflow, End: f.Unsent, Batches: f.Batches, Failures: f.Failures,
			Waiting: f.Waiting, Failing: f.Failing,
		}
	}
	return all
}
