// Package server is Parley running: it puts the parts together, listens, takes new settings, and goes away in order.
//
// It promises:
//
//  1. New takes its addresses before anything is started, so that a port in use is an error at once. It waits a second
//     for the store of durable topics; one that takes longer, such as on a full disk, is opened while all else is
//     served.
//  2. Reload replaces keys, limits, tenants, certificates, protocols and where each is spoken, and drops no connection.
//     A configuration that cannot be used changes nothing; the log names settings that need a restart.
//  3. Drain makes /readyz say 503, lets no connection in, closes those that are there within the drain time in their
//     dialects' words, and answers backends until the end; each answer says that its connection closes.
//  4. Health, metrics, the OpenAPI document and operators' calls are on the internal address alone; only dev mode puts
//     them on the public one. Further listeners have sockets and the calls of clients, and no calls of backends.
//  5. A dialect is one thing to the engine, whatever address, host or path its connections come by; on a path that
//     several share the first frame decides.
//  6. The listener says which tenant a connection belongs to, else a Host that is configured, else the key of its
//     token; the client never does.
//
// It asks for a configuration without problems. It reads no file but certificates, and does not know which protocols
// there are, nor a message of any dialect: they are those of config.Config.Protocols.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/feed"
	"github.com/parley-realtime/parley/cmd/parley/journal"
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/webhook"
	"github.com/parley-realtime/parley/transport/websocket"
)

// Server is one Parley. Reload and Drain are called by one goroutine at a time.
type Server struct {
	// Static after New.
	log      *slog.Logger
	verifier *auth.Verifier
	backends *auth.APIKeys
	node     *actors.Node

	revocations *journal.File // nil without a data directory

	sockets   *websocket.Server
	api       *api.API
	cert      certificate
	connLimit *connLimit // of the public address and of the extra ones
	public    *listener
	mux       mux       // of the public address
	internal  *listener // nil if the public one serves both
	extra     []*extraListener
	hosts     hosts
	tokens    tokenService
	webhooks  webhooks
	options   Options
	started   config.Config // as it was at the start
	dialects  []*dialect
	names     atomic.Pointer[[]string] // of the dialects that are enabled

	running context.Context // until Close
	stop    context.CancelFunc
	feeds   sync.WaitGroup // goroutines that run as long
	failed  chan error     // has room for one

	// Owned by the goroutine that calls Reload and Drain.
	config config.Config

	storeTurn sync.Mutex       // guards what follows
	opening   *durable.Opening // nil while no topic is durable
	store     *durable.Store   // nil until it is open
}

// Options come from the process, not from its configuration.
type Options struct {
	// Version is the server's, for backups.
	Version string
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
	s := &Server{config: cfg, started: cfg, options: options, log: log, failed: make(chan error, 1)}
	s.running, s.stop = context.WithCancel(context.Background())
	if s.options.Exit == nil {
		s.options.Exit = os.Exit
	}
	s.webhooks.log, s.webhooks.byTenant = log, map[string]*webhook.Dispatcher{}
	s.connLimit = newConnLimit(websocket.DetectFDBudget().Connections,
		func() int64 { return int64(s.sockets.Sockets()) })
	if err := s.listen(); err != nil {
		s.stop()
		return nil, err
	}
	if err := s.assemble(); err != nil {
		s.stop()
		s.stopListening(context.Background())
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
	if s.public, err = listen("listen", s.config.Listen, conf, s.connLimit, s.log); err != nil {
		return err
	}
	s.public.server.Handler = &s.mux
	if s.config.InternalListen != "" {
		s.internal, err = listen("internal_listen", s.config.InternalListen, nil, nil, s.log)
	}
	for _, at := range s.config.AllListeners() {
		if err != nil {
			break
		}
		var made *extraListener
		if made, err = listenExtra(at, conf, s.connLimit, s.log); err == nil {
			s.extra = append(s.extra, made)
		}
	}
	if err != nil {
		s.stopListening(context.Background())
	}
	return err
}

// listeners are all that listen.
func (s *Server) listeners() []*listener {
	all := []*listener{s.public}
	if s.internal != nil {
		all = append(all, s.internal)
	}
	for _, at := range s.extra {
		all = append(all, at.listener)
	}
	return all
}

func (s *Server) stopListening(ctx context.Context) {
	for _, l := range s.listeners() {
		l.stop(ctx)
	}
	s.connLimit.done.Wait()
}

// assemble makes the parts, and gives each those that it needs.
func (s *Server) assemble() error {
	cfg := s.config
	cfg.Auth.Logger, cfg.Engine.Logger, cfg.WebSocket.Logger, cfg.API.Logger = s.log, s.log, s.log, s.log
	cfg.Engine.Memory = s.options.Memory
	if cfg.Engine.Unauthenticated != config.Unlimited {
		cfg.Engine.Unauthenticated = min(cfg.Engine.Unauthenticated, max(1, cfg.WebSocket.Sockets()/2))
	}
	keys, err := readKeys(cfg.Tenants)
	if err != nil {
		return err
	}
	keys.shareHosts(cfg.Tenants)
	if err := s.openRevocations(&cfg); err != nil {
		return err
	}
	if s.verifier, err = auth.New(cfg.Auth, keys.tokens); err != nil {
		return err
	}
	if s.backends, err = auth.NewAPIKeys(keys.backends); err != nil {
		return err
	}
	s.hosts.store(cfg.Tenants)
	s.tokens.verifier, s.tokens.rules = s.verifier, s.ticketRules
	s.tokens.documents.Store(&keys.documents)
	adapter := authAdapter{s.verifier}
	limits := cfg.Limits()
	if err := s.webhooks.update(limits, keys.hooks); err != nil {
		s.webhooks.close(canceled())
		return err
	}
	s.node = actors.New(cfg.Engine, adapter, append(limits, actors.TenantConfig{Name: auth.UnresolvedTenant})...)
	if err := s.openStore(&cfg, s.storeFailedAtStart); err != nil {
		s.node.Close()
		return err
	}
	if s.sockets, err = websocket.New(cfg.WebSocket, s.node, adapter, s.hosts.tenant); err != nil {
		return errors.Join(fmt.Errorf("websocket: %w", err), s.closeNode())
	}
	for name, probe := range s.sockets.Probes() {
		s.node.AddProbe(name, probe)
	}
	s.newAPI(&cfg)
	s.dialects = wrapDialects(&cfg)
	return s.setRoutes(&cfg)
}

// Run starts to answer. It does not block.
func (s *Server) Run() {
	s.warnDescriptors(websocket.DetectFDBudget())
	s.verifier.Start()
	s.feeds.Go(func() { s.cert.watch(s.running, s.log) })
	s.feeds.Go(func() { feed.System(s.running, s.node, s.disk(), s.log) })
	if s.config.Feed {
		for _, tenant := range s.node.Tenants() {
			s.feeds.Go(func() { feed.Sample(s.running, s.node, tenant, s.log) })
		}
	}
	for _, l := range s.listeners() {
		l.server.Handler = closing{l.server.Handler, s.node.Draining}
		l.serve(s.log)
	}
	s.writeAddress()
}

// warnDescriptors warns of settings that promise more connections than the process has file descriptors for.
func (s *Server) warnDescriptors(space websocket.FDBudget) {
	tell := func(setting string, value int) {
		if value > space.Sockets {
			s.log.Warn("the limit of file descriptors does not allow for so many connections; raise it (ulimit -n, "+
				"LimitNOFILE of systemd)",
				"setting", setting, "value", value, "allowed", space.Sockets, "descriptors", space.Descriptors)
		}
	}
	tell("websocket.max_sockets", s.config.WebSocket.MaxSockets)
	most := 0
	for i := range s.config.Tenants {
		most = max(most, s.config.Tenants[i].Connections)
	}
	tell("tenants[].connections", most)
}

// disk is the directory whose disk system_status is about.
func (s *Server) disk() string {
	if s.config.Data != "" {
		return s.config.Data
	}
	return "."
}

// Address is the public host:port, with the real port where the setting has 0.
func (s *Server) Address() string { return s.public.Addr().String() }

// Internal is the host:port of health and metrics, which may be the public one.
func (s *Server) Internal() string {
	if s.internal == nil {
		return s.Address()
	}
	return s.internal.Addr().String()
}

// ListenerAddresses are those of the further listeners, in the order of config.AllListeners.
func (s *Server) ListenerAddresses() []string {
	var all []string
	for _, at := range s.extra {
		all = append(all, at.Addr().String())
	}
	return all
}

// Token signs a token, for the lines that dev mode prints.
func (s *Server) Token(tenant string, grant auth.Grant) (string, error) {
	return s.verifier.Sign(tenant, grant)
}

// closeTime is how long the last closing handshakes of a drain may take beyond its time, on a machine that is too busy.
const closeTime = 2 * time.Second

// DrainTime is how long Drain may take.
func (s *Server) DrainTime() time.Duration { return s.config.Drain + closeTime }

// Healthy returns nil if events get through the server, as /readyz asks, or if it drains. It blocks, until ctx ends.
func (s *Server) Healthy(ctx context.Context) error {
	_, err := s.node.Probe(ctx)
	if why := protocol.AsRefusal(err); why != nil && why.Reason == protocol.Draining {
		return nil
	}
	return err
}
