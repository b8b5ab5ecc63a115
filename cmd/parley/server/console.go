package server

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/console"
	"github.com/parley-realtime/parley/transport/websocket"
)

// newConsole makes the console of operators, which shows the parts that there are by now.
func newConsole(s *Server, cfg *config.Config) *console.Console {
	parts := &s.shown
	parts.verifier, parts.webhooks = s.verifier, &s.webhooks
	parts.store(cfg, cfg.Effective, cfg.Engine.TopicDefaults())
	budget := websocket.DetectFDBudget()
	c := console.Config{
		AdminKey: cfg.API.AdminKey, ViewerKey: cfg.API.ViewerKey, Dev: s.options.Dev, Version: s.options.Version,
		Node: s.node, Calls: s.api.Public(), Admin: s.api.Internal(), Ready: s.api.Ready,
		Sockets: s.sockets.Sockets, MaxSockets: cfg.WebSocket.Sockets(), Descriptors: budget.Descriptors,
		Dialects: s.router.enabledNow, Rule: parts.rules.rule, Settings: parts.settings,
		Backends: parts.backends, Logger: s.log,
	}
	if s.options.Dev {
		c.Token = func(user string) (string, error) {
			s.node.SetTenants(parts.resumable()...)
			return s.Token(config.DevTenant, auth.Grant{User: user, TTL: 24 * time.Hour})
		}
	}
	return console.New(c)
}

// consoleParts are what the console shows of the parts of the server.
type consoleParts struct {
	verifier  *auth.Verifier
	webhooks  *webhooks
	effective atomic.Pointer[[]config.Effective]
	limits    atomic.Pointer[[]actors.TenantConfig]
	rules     topicRules
}

// store takes what a configuration says; defaults are the numbers where its rules have none.
func (p *consoleParts) store(cfg *config.Config, effective []config.Effective, defaults policy.Defaults) {
	limits := cfg.Limits()
	p.effective.Store(&effective)
	p.limits.Store(&limits)
	p.rules.store(cfg, defaults)
}

// playgroundLinger is for how long a client of the playground may be unplugged and come back to what it missed.
const playgroundLinger = 5 * time.Minute

// resumable are the tenants' settings, with time for clients to come back where there is none. Dev mode begins without,
// so that tests on it see each connection begin anew; the playground wants it.
func (p *consoleParts) resumable() []actors.TenantConfig {
	all := slices.Clone(*p.limits.Load())
	for i := range all {
		all[i].Linger = max(all[i].Linger, playgroundLinger)
	}
	return all
}

// settings are those in effect that somebody has set.
func (p *consoleParts) settings() (all []console.Setting) {
	for _, e := range *p.effective.Load() {
		all = append(all, console.Setting(e))
	}
	return all
}

// backends are those that the server calls, by tenant.
func (p *consoleParts) backends() (all []console.Backend) {
	hooks := p.webhooks.stats()
	for _, tenant := range slices.Sorted(maps.Keys(hooks)) {
		f := hooks[tenant]
		all = append(all, console.Backend{
			Tenant: tenant, Kind: "webhook", Done: f.Batches, Failed: f.Failures, Waiting: f.Waiting,
			Lost: f.Overflow + f.Unsent, Failing: f.Failing, LastError: f.LastError, LastAt: f.LastFailure,
		})
	}
	asked := p.verifier.Stats().Introspection
	for _, tenant := range slices.Sorted(maps.Keys(asked)) {
		f := asked[tenant]
		all = append(all, console.Backend{
			Tenant: tenant, Kind: "introspection", Done: f.Calls - min(f.Failures, f.Calls), Failed: f.Failures,
			Failing: f.Breaker == "open",
		})
	}
	return all
}

// enabledNow are the dialects that are enabled, as they are configured now.
func (r *router) enabledNow() (all []protocol.Dialect) {
	enabled := r.enabledNames()
	for _, d := range r.dialects {
		if slices.Contains(enabled, d.Name()) {
			all = append(all, d)
		}
	}
	return all
}
