// Package server is Parley running: it puts the parts together, listens, takes new settings, and goes away in order.
//
// It promises:
//
//  1. New takes its addresses before anything is started, so that a port in use is an error at once.
//  2. Reload replaces keys, limits, tenants and certificates, and drops no connection. What cannot be used changes nothing; what needs a
//     restart is named in the log.
//  3. Drain makes /readyz say 503, lets no connection in, closes those that are there over the drain time in their
//     dialects' words, and answers backends until the end.
//  4. Health, metrics and the OpenAPI document are on the internal address alone; only dev mode puts them on the public one.
//
// It reads no file but certificates, and does not know a message of any dialect.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/feed"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/websocket"
)

// Server is one Parley. Reload and Drain are called by one goroutine at a time.
type Server struct {
	// Static after New.
	log      *slog.Logger
	verifier *auth.Verifier
	backends *auth.APIKeys
	node     *actors.Node
	sockets  *websocket.Server
	api      *api.API
	cert     certificate
	public   *listener
	internal *listener // nil if the public one serves both
	hosts    hosts
	options  Options
	dialects []*dialect

	// Owned by who calls Reload and Drain.
	config config.Config

	stopFeeds context.CancelFunc
	feeds     sync.WaitGroup
}

// Options are what only the command line says.
type Options struct {
	// Echo serves the dialect echo, for conformance tests of the sockets.
	Echo bool
}

// New puts a server together and takes its addresses. Run starts it; Close ends it, started or not.
func New(cfg config.Config, options Options, log *slog.Logger) (*Server, error) {
	s := &Server{config: cfg, options: options, log: log, stopFeeds: func() {}}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if err := s.assemble(); err != nil {
		s.unlisten(context.Background())
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() error {
	conf, err := s.cert.tlsConfig(&s.config)
	if err != nil {
		return err
	}
	if s.public, err = listen("listen", s.config.Listen, conf, s.log); err != nil {
		return err
	}
	if s.config.InternalListen == "" {
		return nil
	}
	if s.internal, err = listen("internal_listen", s.config.InternalListen, nil, s.log); err != nil {
		s.unlisten(context.Background())
	}
	return err
}

func (s *Server) unlisten(ctx context.Context) {
	s.public.stop(ctx)
	if s.internal != nil {
		s.internal.stop(ctx)
	}
}

// assemble makes the parts: who knows whom is all here.
func (s *Server) assemble() error {
	cfg := s.config
	cfg.Auth.Logger, cfg.Engine.Logger, cfg.WebSocket.Logger, cfg.API.Logger = s.log, s.log, s.log, s.log
	keys, err := readKeys(cfg.Tenants)
	if err != nil {
		return err
	}
	if s.verifier, err = auth.New(cfg.Auth, keys.tokens); err != nil {
		return err
	}
	if s.backends, err = auth.NewAPIKeys(keys.backends); err != nil {
		return err
	}
	s.hosts.store(cfg.Tenants)
	gate := gate{s.verifier}
	s.node = actors.New(cfg.Engine, gate, limits(cfg.Tenants)...)
	if s.sockets, err = websocket.New(cfg.WebSocket, s.node, gate, s.hosts.tenant); err != nil {
		s.node.Close()
		return fmt.Errorf("websocket: %w", err)
	}
	cfg.API.Logins = s.logins
	s.api = api.New(cfg.API, s.node, s.backends)
	s.dialects = dialects(&cfg, s.options)
	return s.route()
}

// Run starts to answer.
func (s *Server) Run() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopFeeds = stop
	s.feeds.Go(func() { feed.System(ctx, s.node, s.disk(), s.log) })
	if s.config.Feed {
		for _, tenant := range s.node.Tenants() {
			s.feeds.Go(func() { feed.Sample(ctx, s.node, tenant, s.log) })
		}
	}
	s.public.serve(s.log)
	if s.internal != nil {
		s.internal.serve(s.log)
	}
}

// disk is the directory whose disk system_status tells of.
func (s *Server) disk() string {
	if s.config.Data != "" {
		return s.config.Data
	}
	return "."
}

// Address is where the public address really is, which differs from the setting if that has port 0; Internal is where
// /readyz is.
func (s *Server) Address() string { return s.public.Addr().String() }

// Internal is the address of health and metrics.
func (s *Server) Internal() string {
	if s.internal == nil {
		return s.Address()
	}
	return s.internal.Addr().String()
}

// Token signs a token, for the lines that dev mode prints.
func (s *Server) Token(tenant string, grant auth.Grant) (string, error) {
	return s.verifier.Sign(tenant, grant)
}

// Drain ends all connections in order, over the configured time or until the context ends.
func (s *Server) Drain(ctx context.Context) {
	s.log.Info("draining", "connections", s.sockets.Sockets(), "over", s.config.Drain)
	ctx, cancel := context.WithTimeout(ctx, s.config.Drain)
	defer cancel()
	if err := s.node.Drain(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("drain ended early", "error", err)
	}
}

// Close ends everything at once and waits for it; the context bounds the wait for requests that are being answered.
func (s *Server) Close(ctx context.Context) {
	s.stopFeeds()
	s.feeds.Wait()
	s.unlisten(ctx)
	s.node.Close()
	_ = s.sockets.Wait(ctx)
	s.sockets.Close()
}

// route says which path belongs to whom.
func (s *Server) route() error {
	var spoken []protocol.Dialect
	for _, d := range s.dialects {
		spoken = append(spoken, d)
	}
	handler, err := s.sockets.Handler(spoken...)
	if err != nil {
		return err
	}
	rest := s.api.Public()
	if s.internal == nil {
		rest = s.api.Internal()
	} else {
		s.internal.server.Handler = s.api.Internal()
	}
	s.public.server.Handler = door{sockets: handler, calls: s.api.Public(), rest: rest}
	return nil
}

// logins counts authentications by outcome, over all tenants.
func (s *Server) logins() map[string]uint64 {
	sum := map[string]uint64{}
	for _, outcomes := range s.verifier.Figures().Outcomes {
		for outcome, count := range outcomes {
			sum[outcome] += count
		}
	}
	return sum
}
