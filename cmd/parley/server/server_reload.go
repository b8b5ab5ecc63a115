package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/webhook"
)

// reloadable are the settings, or whole sections, that Reload replaces, beside those of protocols; all others need a
// restart.
var reloadable = []string{"tenants", "topics", "topic_rules", "rates", "drain", "tls.certificate", "tls.key",
	"api.rate", "api.burst",
	"shared", "hosts"}

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
	if err := s.openStore(&cfg, s.storeFailedAtReload); err != nil {
		return err
	}
	if err := s.reloadDialects(&cfg); err != nil {
		return err
	}
	before := map[string][]protocol.KeyFingerprint{}
	for i := range cfg.Tenants {
		before[cfg.Tenants[i].Name] = s.verifier.Keys(cfg.Tenants[i].Name)
	}
	if err := s.verifier.Reload(fresh.tokens); err != nil {
		return errors.Join(err, s.reloadDialects(&s.config))
	}
	for tenant, keys := range before {
		s.unsubscribeKeys(tenant, keys)
	}
	if err := s.backends.Reload(fresh.backends); err != nil {
		return err
	}
	s.tokens.documents.Store(&fresh.documents)
	s.api.Upstream(upstream(&cfg))
	s.applyReload(&cfg, fresh.hooks)
	return nil
}

// reloadDialects gives the dialects their settings, and the addresses their routes. If that fails, the old settings
// stay.
func (s *Server) reloadDialects(cfg *config.Config) error {
	before := make([]*configured, len(s.dialects))
	for i, made := range newDialects(cfg) {
		before[i] = s.dialects[i].current.Swap(made)
	}
	err := s.setRoutes(cfg)
	if err != nil {
		for i := range before {
			s.dialects[i].current.Store(before[i])
		}
	}
	return err
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
	for _, gone := range s.config.Tenants {
		if !slices.ContainsFunc(cfg.Tenants, func(t config.Tenant) bool { return t.Name == gone.Name }) {
			s.disconnectTenant(gone.Name)
		}
	}
	if waiting := config.Changed(&s.started, cfg, reloadable); len(waiting) > 0 {
		s.log.Warn("some settings changed that need a restart", "settings", waiting)
	}
	// Settings that need a restart stay as they were at the start; the next reload warns of them again.
	s.config.Tenants, s.config.Drain = cfg.Tenants, cfg.Drain
	s.config.API.Rate, s.config.API.Burst = cfg.API.Rate, cfg.API.Burst
	s.config.Topics, s.config.TopicRules, s.config.Rates = cfg.Topics, cfg.TopicRules, cfg.Rates
	s.config.Protocols, s.config.Shared, s.config.Hosts = cfg.Protocols, cfg.Shared, cfg.Hosts
	s.log.Info("configuration reloaded", "tenants", len(cfg.Tenants))
}

// unsubscribeKeys ends the subscriptions that rest on keys which a tenant has no more.
func (s *Server) unsubscribeKeys(tenant string, before []protocol.KeyFingerprint) {
	gone := map[protocol.KeyFingerprint]bool{}
	for _, key := range before {
		gone[key] = !slices.Contains(s.verifier.Keys(tenant), key)
	}
	if !slices.ContainsFunc(before, func(key protocol.KeyFingerprint) bool { return gone[key] }) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyTime)
	defer cancel()
	unsubscribed, err := s.node.RetainKeys(ctx, tenant, func(key protocol.KeyFingerprint) bool {
		return !gone[key] || slices.Contains(s.verifier.Keys(tenant), key)
	})
	s.log.Info("keys were removed", "tenant", tenant, "unsubscribed", unsubscribed)
	if err != nil {
		s.log.Error("what stands on removed keys has not ended yet", "tenant", tenant, "error", err)
	}
}

// keyTime is how long a reload waits until the subscriptions of removed keys have ended.
const keyTime = 5 * time.Second

// disconnectTenant closes the connections of a removed tenant. Its keys are gone, so its clients cannot come back.
func (s *Server) disconnectTenant(tenant string) {
	query := actors.ConnectionQuery{Limit: 1000}
	for {
		page, next, err := s.node.Connections(context.Background(), tenant, query)
		if err != nil {
			s.log.Error("connections of a removed tenant", "tenant", tenant, "error", err)
			return
		}
		for _, c := range page {
			_ = s.node.Disconnect(tenant, c.ID, protocol.Revoked.CloseCode(), string(protocol.Revoked))
		}
		if next == "" {
			return
		}
		query.Cursor = next
	}
}
