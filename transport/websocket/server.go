package websocket

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
)

// Node is what a Server needs of *actors.Node.
type Node interface {
	Admit(tenant string, d protocol.Dialect, remote string) *protocol.Refusal
	AdmitUnauthenticated(remote string, proxied bool) *protocol.Refusal
	Connect(d actors.Dial, open func(*actors.Link) outbox.Transport) (*actors.Link, *protocol.Refusal)
}

var _ Node = (*actors.Node)(nil)

// Server has the sockets of one process: what writes to them, and what counts them. Its Handlers let them in.
type Server struct {
	// Fixed after New.
	config  Config
	node    Node
	auth    actors.Authenticator
	tenant  func(*http.Request) string
	origins origins
	proxies proxies
	lines   []*line
	rest    time.Duration // restAfter
	records bool          // somebody reads debug lines, so each message gets one

	// Guarded by mu.
	mu        sync.Mutex
	upgraders map[int]*upgrader // by message limit
	quiet     chan struct{}     // closed when nothing lives any more; nil while nobody waits

	open   atomic.Int64  // sockets, from just before their upgrade
	living atomic.Int64  // sockets and goroutines of sockets
	turnTo atomic.Uint32 // the line of the next socket

	working sync.WaitGroup // the workers
	lounge  lounge
}

// New returns a Server whose workers run until Close. tenant says whose a request is, "" for nobody's. The error names the setting
// that cannot be read.
func New(config Config, node Node, auth actors.Authenticator, tenant func(*http.Request) string) (*Server, error) {
	s := &Server{config: config.filled(), node: node, auth: auth, tenant: tenant, upgraders: map[int]*upgrader{}, rest: restAfter}
	s.records = s.config.Logger.Enabled(context.Background(), slog.LevelDebug)
	var err error
	if s.origins, err = readOrigins(config.Origins, config.LoopbackOrigins); err != nil {
		return nil, err
	}
	if s.proxies, err = readProxies(config.TrustedProxies); err != nil {
		return nil, err
	}
	for i := range s.config.Writers {
		if i%workersPerLine == 0 {
			s.lines = append(s.lines, newLine())
		}
		l := s.lines[len(s.lines)-1]
		l.workers++
		s.working.Go(newWorker(l, s.config.CompressionThreshold).run)
	}
	return s, nil
}

// Handler serves some dialects, each on its own paths; a listener of its own may serve others than the rest. The error names two
// dialects that claim one path.
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
		r := &route{dialect: d, upgrader: s.upgrader(limit), bounds: &bounds{message: uint64(limit),
			fragments: uint32(s.config.Fragments), controls: uint32(s.config.ControlFrames)}}
		for _, path := range d.Paths() {
			if err := h.routes.add(path, r); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

// Sockets is how many sockets are open.
func (s *Server) Sockets() int { return int(s.open.Load()) }

// Wait returns when all sockets have ended and their goroutines are gone, or with the context's error.
func (s *Server) Wait(ctx context.Context) error {
	for s.living.Load() > 0 {
		s.mu.Lock()
		if s.quiet == nil {
			s.quiet = make(chan struct{})
		}
		quiet := s.quiet
		s.mu.Unlock()
		if s.living.Load() == 0 { // it fell before we were seen waiting
			return nil
		}
		select {
		case <-quiet:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the workers and the lounge, and waits for them. It belongs behind the node's Close and Wait: sockets that are open still stay unwritten.
func (s *Server) Close() {
	for _, l := range s.lines {
		l.stop()
	}
	s.lounge.close()
	s.working.Wait()
}

func (s *Server) enter() { s.living.Add(1) }

func (s *Server) leave() {
	if s.living.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
}

// next is the line for a new socket.
func (s *Server) next() *line {
	return s.lines[int(s.turnTo.Add(1))%len(s.lines)]
}
