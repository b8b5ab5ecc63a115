package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/feed"
	"github.com/parley-realtime/parley/cmd/parley/journal"
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/appapi"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/console"
	"github.com/parley-realtime/parley/transport/sse"
	"github.com/parley-realtime/parley/transport/webhook"
	"github.com/parley-realtime/parley/transport/websocket"
)

// Server is one Parley. Reload and Drain are called by one goroutine at a time.
type Server struct {
	// Static after New.
	options     Options
	started     config.Config // as it was at the start
	log         *slog.Logger
	background  *background
	cert        certificate
	listeners   listeners
	revocations *journal.File // nil without a data directory
	verifier    *auth.Verifier
	backends    *auth.APIKeys
	hosts       hosts
	tokens      tokenService
	webhooks    webhooks
	node        *actors.Node
	store       topicStore
	sockets     *websocket.Server
	api         *api.API
	console     *console.Console
	router      router
	shown       consoleParts // of the console
	explainer   explainer

	// Owned by the goroutine that calls Reload and Drain.
	config config.Config
}

// Options come from the process, not from its configuration.
type Options struct {
	// Version is the server's, for backups and the console.
	Version string
	// Dev says that the configuration is that of dev mode: the console needs no key then, and has a playground.
	Dev bool
	// Memory says how much memory is in use, by which load is shed; nil sheds none.
	Memory health.Memory
	// LogLost counts the lines of the log that were lost; nil if nobody counts.
	LogLost func() logline.Lost
	// Exit ends the process at once; nil is os.Exit.
	Exit func(status int)
}

// New puts a server together and takes its addresses. Run starts it; Close ends it, started or not.
func New(cfg config.Config, options Options, log *slog.Logger) (*Server, error) {
	log = logline.SumUp(log) // clients cause lines
	s := &Server{config: cfg, started: cfg, options: options, log: log, background: newBackground()}
	if s.options.Exit == nil {
		s.options.Exit = os.Exit
	}
	s.store.log, s.store.exit, s.store.background = log, s.options.Exit, s.background
	s.store.failed = make(chan error, 1)
	s.webhooks.log, s.webhooks.byTenant = log, map[string]*webhook.Dispatcher{}
	s.listeners.limit = newConnLimit(websocket.DetectFDBudget().Connections,
		func() int64 { return int64(s.sockets.Sockets()) })
	if err := s.listen(); err != nil {
		s.background.stop()
		return nil, err
	}
	if err := s.assemble(); err != nil {
		s.background.stop()
		s.listeners.stop(context.Background())
		s.closeAuth()
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() error {
	conf, err := s.cert.tlsConfig(&s.config)
	if err != nil {
		return err
	}
	return s.listeners.open(&s.config, conf, s.log)
}

// assemble makes the parts, and gives each those that it needs.
func (s *Server) assemble() error {
	cfg := s.config
	cfg.Auth.Logger, cfg.Engine.Logger, cfg.WebSocket.Logger, cfg.API.Logger = s.log, s.log, s.log, s.log
	keys, err := readKeys(cfg.Tenants)
	if err != nil {
		return err
	}
	keys.shareHosts(cfg.Tenants)
	s.hosts.store(cfg.Tenants)
	if err := s.newAuth(&cfg, &keys); err != nil {
		return err
	}
	if err := s.newNode(&cfg, keys.hooks); err != nil {
		return err
	}
	if s.sockets, err = websocket.New(cfg.WebSocket, s.node, authAdapter{s.verifier}, s.hosts.tenant); err != nil {
		return errors.Join(fmt.Errorf("websocket: %w", err), s.closeNode())
	}
	for name, probe := range s.sockets.Probes() {
		s.node.AddProbe(name, probe)
	}
	s.explainer.start(s)
	s.newAPI(&cfg)
	s.router.sockets, s.router.api, s.router.listeners = s.sockets, s.api, &s.listeners
	s.router.dialects = wrapDialects(&cfg)
	s.router.events = &sse.Handler{Sockets: s.sockets, Dialect: sse.NewDialect(cfg.Events)}
	s.router.apps = appapi.New(appapi.Config{MaxEvent: cfg.API.MaxEvent, MaxBody: cfg.API.MaxBody,
		Timeout: cfg.API.RequestTimeout}, s.node, s.verifier)
	return s.router.update(&cfg)
}

// newAuth makes the parts that check credentials.
func (s *Server) newAuth(cfg *config.Config, keys *keys) (err error) {
	if s.revocations, err = openRevocations(cfg.Data, s.log); err != nil {
		return err
	}
	if s.revocations != nil {
		cfg.Auth.Journal = s.revocations
	}
	if s.verifier, err = auth.New(cfg.Auth, keys.tokens); err != nil {
		return err
	}
	if s.backends, err = auth.NewAPIKeys(keys.backends); err != nil {
		return err
	}
	s.tokens.verifier, s.tokens.rules = s.verifier, s.router.ticketClaims
	s.tokens.documents.Store(&keys.documents)
	return nil
}

// newNode makes the engine, with its webhooks and its store.
func (s *Server) newNode(cfg *config.Config, hooks map[string]webhook.Config) error {
	cfg.Engine.Memory = s.options.Memory
	if cfg.Engine.Unauthenticated != config.Unlimited {
		cfg.Engine.Unauthenticated = min(cfg.Engine.Unauthenticated, max(1, cfg.WebSocket.Sockets()/2))
	}
	limits := cfg.Limits()
	if err := s.webhooks.update(limits, hooks); err != nil {
		s.webhooks.close(canceled())
		return err
	}
	s.node = actors.New(cfg.Engine, authAdapter{s.verifier},
		append(limits, actors.TenantConfig{Name: auth.UnresolvedTenant})...)
	s.store.node = s.node
	err := s.store.open(cfg, s.store.failedAtStart)
	if err != nil {
		s.node.Close()
	}
	return err
}

// newAPI makes the API, gives it the parts that it asks, and puts it behind the internal address and before the public
// one.
func (s *Server) newAPI(cfg *config.Config) {
	m := metrics{s.verifier, &s.cert, s.options.LogLost}
	cfg.API.Logins, cfg.API.AuthStats, cfg.API.Process = m.logins, m.auth, m.process
	cfg.API.Webhooks = s.webhooks.metrics
	cfg.API.Tenant, cfg.API.Dialects = s.hosts.tenant, s.router.enabledNames
	if cfg.Data != "" {
		cfg.API.Backup = backups{s.node, cfg.Data, s.options.Version}.write
	}
	cfg.API.AllowsOrigin, cfg.API.Forwarded = s.sockets.AllowsOrigin, s.sockets.Forwarded
	cfg.API.Tickets, cfg.API.Outposts, cfg.API.Explainer = &s.tokens, &s.tokens, &s.explainer
	cfg.API.AdminKeyOnly = s.listeners.internal != nil && !config.Loopback(cfg.InternalListen)
	s.api = api.New(cfg.API, s.node, s.backends)
	s.api.Upstream(upstream(cfg))
	public := s.listeners.public
	public.Listener = s.api.FastPath(public.Listener, public.server)
	s.console = newConsole(s, cfg)
	s.router.internal = s.console.Handler(s.api.Internal())
	s.listeners.handleInternal(s.router.internal)
}

// Run starts to answer. It does not block.
func (s *Server) Run() {
	warnDescriptors(&s.config, websocket.DetectFDBudget(), s.log)
	s.verifier.Start()
	s.background.start(func(ctx context.Context) { s.cert.watch(ctx, s.log) })
	s.background.start(s.console.Record)
	s.background.start(func(ctx context.Context) { feed.System(ctx, s.node, diskOf(&s.config), s.log) })
	if s.config.Feed {
		for _, tenant := range s.node.Tenants() {
			s.background.start(func(ctx context.Context) { feed.Sample(ctx, s.node, tenant, s.log) })
		}
	}
	s.listeners.serve(s.node.Draining, s.log)
	s.addressFile().write(s.listeners.internalURL(s.config.TLS.On()))
}

func (s *Server) addressFile() addressFile { return addressFile{s.config.Data, s.log} }

// diskOf is the directory whose disk system_status is about.
func diskOf(cfg *config.Config) string {
	if cfg.Data != "" {
		return cfg.Data
	}
	return "."
}

// Address is the public host:port, with the real port where the setting has 0.
func (s *Server) Address() string { return s.listeners.publicAddress() }

// Internal is the host:port of health and metrics, which may be the public one.
func (s *Server) Internal() string { return s.listeners.internalAddress() }

// ListenerAddresses are those of the further listeners, in the order of config.AllListeners.
func (s *Server) ListenerAddresses() []string { return s.listeners.extraAddresses() }

// Token signs a token, for the lines that dev mode prints.
func (s *Server) Token(tenant string, grant auth.Grant) (string, error) {
	return s.verifier.Sign(tenant, grant)
}

// Failed delivers the error with which the server must end, if one comes after New.
func (s *Server) Failed() <-chan error { return s.store.failed }

// Healthy returns nil if events get through the server, as /readyz asks, or if it drains. It blocks, until ctx ends.
func (s *Server) Healthy(ctx context.Context) error {
	_, err := s.node.Probe(ctx)
	if refusal := protocol.AsRefusal(err); refusal != nil && refusal.Reason == protocol.Draining {
		return nil
	}
	return err
}

// URLs are those of the public and the internal address, as this machine reaches them.
func (s *Server) URLs() (public, internal string) {
	secure := s.config.TLS.On()
	return urlOf(s.Address(), secure), s.listeners.internalURL(secure)
}
