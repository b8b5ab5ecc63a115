package server

import (
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/api"
)

// newAPI makes the API, gives it the parts that it asks, and puts it behind the internal address and before the public
// one.
func (s *Server) newAPI(cfg *config.Config) {
	cfg.API.Logins, cfg.API.Tenant, cfg.API.AuthStats = s.logins, s.hosts.tenant, s.authMetrics
	cfg.API.Webhooks, cfg.API.Process = s.webhooks.metrics, s.processMetrics
	cfg.API.Dialects = s.enabledNames
	if cfg.Data != "" {
		cfg.API.Backup = s.backup
	}
	cfg.API.AllowsOrigin = s.sockets.AllowsOrigin
	cfg.API.Tickets, cfg.API.Outposts = &s.tokens, &s.tokens
	cfg.API.Forwarded = s.sockets.Forwarded
	cfg.API.AdminKeyOnly = s.internal != nil && !config.Loopback(cfg.InternalListen)
	s.api = api.New(cfg.API, s.node, s.backends)
	s.api.Upstream(upstream(cfg))
	s.public.Listener = s.api.FastPath(s.public.Listener, s.public.server)
	if s.internal != nil {
		s.internal.server.Handler = s.api.Internal()
	}
}
