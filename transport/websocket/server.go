package websocket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/fairqueue"
)

// Node is what a Server needs of *actors.Node.
type Node interface {
	Admit(tenant string, d protocol.Dialect, remote string, asked *decision.Record) *protocol.Refusal
	AdmitUnauthenticated(remote string, proxied bool, asked *decision.Record) *protocol.Refusal
	Recorder() *recorder.Recorder
	Connect(d actors.ConnectOptions, open func(*actors.Conn) outbox.Transport) (*actors.Conn, *protocol.Refusal)
}

var _ Node = (*actors.Node)(nil)

// Server owns the sockets of one process: it writes to them and counts them. Its Handlers let clients in.
type Server struct {
	// Fixed after New.
	config    Config
	node      Node
	auth      actors.Authenticator
	tenant    func(*http.Request) string
	recorder  *recorder.Recorder // nil without a node
	origins   origins
	proxies   proxies
	queues    []*readyQueue
	pacer     handshakePacer
	idleAfter time.Duration // see the constant
	logged    bool          // the Logger takes debug lines, so each message gets one

	// Guarded by mu.
	mu        sync.Mutex
	upgraders map[int]*upgrader // by message limit
	drained   chan struct{}     // closed when live falls to 0; nil while no caller waits

	socketCount atomic.Int64  // sockets, from just before their upgrade
	live        atomic.Int64  // sockets and goroutines of sockets
	nextIndex   atomic.Uint32 // in queues, for the next socket

	writers sync.WaitGroup
	idle    idlePoller
}

// New returns a Server whose writers run until Close. tenant names the tenant of a request, "" for none. The error
// names the setting that cannot be read.
func New(
	config Config, node Node, auth actors.Authenticator, tenant func(*http.Request) string,
) (*Server, error) {
	s := &Server{config: config.filled(), node: node, auth: auth, tenant: tenant, upgraders: map[int]*upgrader{},
		idleAfter: idleAfter}
	if node != nil {
		s.recorder = node.Recorder()
	}
	s.logged = s.config.Logger.Enabled(context.Background(), slog.LevelDebug)
	s.pacer = handshakePacer{fairqueue.New(0, handshakeRoom, s.config.HandshakeTimeout), s.writing}
	var err error
	if s.origins, err = parseOrigins(config.Origins, config.LoopbackOrigins); err != nil {
		return nil, err
	}
	if s.proxies, err = parseProxies(config.TrustedProxies); err != nil {
		return nil, err
	}
	for i := range s.config.Writers {
		if i%writersPerQueue == 0 {
			s.queues = append(s.queues, newReadyQueue())
		}
		q := s.queues[len(s.queues)-1]
		q.writers++
		s.writers.Go(newWriter(q, s.config.CompressionThreshold).run)
	}
	return s, nil
}

// Handler serves some dialects, each on its own paths. There may be several: a listener of its own may serve other
// dialects than the rest. The error names a path that two dialects claim, or that is none.
func (s *Server) Handler(dialects ...protocol.Dialect) (*Handler, error) {
	if len(dialects) == 0 {
		return nil, errors.New("a WebSocket handler needs at least one dialect")
	}
	h := &Handler{server: s, routes: routes{exact: map[string]*route{}}}
	for _, d := range dialects {
		limit := d.Limits().Frame
		if limit <= 0 {
			limit = s.config.MessageLimit
		}
		r := &route{dialect: d, upgrader: s.upgrader(limit), limits: &frameLimits{message: uint64(limit),
			fragments: uint32(s.config.Fragments), controls: uint32(s.config.ControlFrames)}}
		for _, path := range d.Paths() {
			if err := h.routes.add(path, r); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

func (s *Server) upgrader(limit int) *upgrader {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.upgraders[limit]
	if u == nil {
		u = newUpgrader(limit, &s.config)
		s.upgraders[limit] = u
	}
	return u
}

// Probes returns a probe for each way that frames take to sockets, by name: a ready queue and its writers. A probe
// waits in the queue like a socket, behind those that wait already, and succeeds when a writer takes it. Its error is
// the context's. A probe must not run twice at a time.
func (s *Server) Probes() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for i, q := range s.queues {
		all[fmt.Sprint("writers ", i)] = newProbe(s, q)
	}
	return all
}

// Sockets is how many sockets are open.
func (s *Server) Sockets() int { return int(s.socketCount.Load()) }

// Wait blocks until all sockets have ended and their goroutines are gone, or until the context ends, with its error.
func (s *Server) Wait(ctx context.Context) error {
	for s.live.Load() > 0 {
		s.mu.Lock()
		if s.drained == nil {
			s.drained = make(chan struct{})
		}
		drained := s.drained
		s.mu.Unlock()
		if s.live.Load() == 0 { // it fell before doneLive could see the channel
			return nil
		}
		select {
		case <-drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the writers and the idle poller, and waits for them. Call it after the node's Close and after Wait:
// nothing is written any more to sockets that are still open.
func (s *Server) Close() {
	for _, q := range s.queues {
		q.stop()
	}
	s.idle.close()
	s.writers.Wait()
}

func (s *Server) addLive() { s.live.Add(1) }

func (s *Server) doneLive() {
	if s.live.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// nextQueue is the ready queue of a new socket, round robin.
func (s *Server) nextQueue() *readyQueue {
	return s.queues[int(s.nextIndex.Add(1))%len(s.queues)]
}
