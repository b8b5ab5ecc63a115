package server

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/webhook"
)

// reloadable are the settings, or whole sections, that Reload replaces, beside those of protocols; all others need a
// restart.
var reloadable = []string{"tenants", "topics", "topic_rules", "rates", "drain", "tls.certificate", "tls.key",
	"api.rate", "api.burst", "shared", "events", "hosts"}

// Reload takes over a configuration that was checked: its tenants, keys, limits, protocols and certificates. It drops
// no connection of a tenant that is still there. If the error is not nil nothing has changed.
func (s *Server) Reload(cfg config.Config) error {
	fresh, err := readKeys(cfg.Tenants)
	if err != nil {
		return err
	}
	fresh.shareHosts(cfg.Tenants)
	// All that may fail is tried before anything is replaced.
	if _, err := auth.NewAPIKeys(fresh.backends); err != nil {
		return err
	}
	if cfg.TLS.Certificate != "" {
		if _, err := tls.LoadX509KeyPair(cfg.TLS.Certificate, cfg.TLS.Key); err != nil {
			return fmt.Errorf("tls.certificate: %w", err)
		}
	}
	if err := s.store.open(&cfg, s.store.failedAtReload); err != nil {
		return err
	}
	if err := s.router.reload(&cfg); err != nil {
		return err
	}
	evict := evictor{s.node, s.verifier, s.log}
	before := evict.keysOf(cfg.Tenants)
	if err := s.verifier.Reload(fresh.tokens); err != nil {
		return errors.Join(err, s.router.reload(&s.config))
	}
	for tenant, keys := range before {
		evict.unsubscribeKeys(tenant, keys)
	}
	if err := s.backends.Reload(fresh.backends); err != nil {
		return err
	}
	s.tokens.documents.Store(&fresh.documents)
	s.api.Upstream(upstream(&cfg))
	s.applyReload(&cfg, fresh.hooks)
	return nil
}

// applyReload does the rest of Reload. It fails only if a file changes at this moment, which it logs.
func (s *Server) applyReload(cfg *config.Config, hooks map[string]webhook.Config) {
	if s.config.TLS.Certificate != "" && cfg.TLS.Certificate != "" {
		if err := s.cert.load(cfg.TLS); err != nil {
			s.log.Error("the certificate was not replaced", "error", err)
		}
	}
	s.hosts.store(cfg.Tenants)
	limits := cfg.Limits()
	if err := s.webhooks.update(limits, hooks); err != nil {
		s.log.Error("a webhook was not replaced", "error", err)
	}
	s.node.SetTenants(limits...)
	s.webhooks.remove(limits)
	s.api.Limit(cfg.API.Rate, cfg.API.Burst)
	evictor{s.node, s.verifier, s.log}.disconnectRemoved(s.config.Tenants, cfg.Tenants)
	waiting := config.Changed(&s.started, cfg, reloadable)
	if len(waiting) > 0 {
		s.log.Warn("some settings changed that need a restart", "settings", waiting)
	}
	effective := config.EffectiveAfterReload(s.started.Effective, cfg.Effective, waiting)
	s.shown.store(cfg, effective, s.started.Engine.TopicDefaults())
	// Settings that need a restart stay as they were at the start; the next reload warns of them again.
	s.config.Tenants, s.config.Drain = cfg.Tenants, cfg.Drain
	s.config.API.Rate, s.config.API.Burst = cfg.API.Rate, cfg.API.Burst
	s.config.Topics, s.config.TopicRules, s.config.Rates = cfg.Topics, cfg.TopicRules, cfg.Rates
	s.config.Protocols, s.config.Shared, s.config.Hosts = cfg.Protocols, cfg.Shared, cfg.Hosts
	s.config.Events = cfg.Events
	s.explainer.provenance.Store(s.explainer.provenance.Load().Reloaded(cfg))
	s.log.Info("configuration reloaded", "tenants", len(cfg.Tenants))
}
