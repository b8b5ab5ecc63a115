package server

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/websocket"
)

// mux is the handler of an address: it serves sockets on the paths of their dialects, calls, and sends the rest to
// another handler. Its routes can be replaced while it serves.
type mux struct{ routes atomic.Pointer[routes] }

// routes are where a mux sends requests. They are never changed.
type routes struct {
	sockets *websocket.Handler
	byHost  map[string]*websocket.Handler // of hosts that have dialects of their own
	calls   http.Handler                  // of backends, users and outposts
	rest    http.Handler
	prefix  string // of /api/v3/, as protocol.APISettings have it
}

// ServeHTTP implements http.Handler.
func (d *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := d.routes.Load()
	sockets := in.sockets
	if len(in.byHost) > 0 {
		if own, ok := in.byHost[hostOf(r)]; ok {
			sockets = own
		}
	}
	switch {
	case sockets.Serves(r.URL.Path):
		sockets.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, operatorPaths):
		in.rest.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v1/"):
		in.calls.ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, in.prefix+"/api/v3/"):
		http.StripPrefix(in.prefix, in.calls).ServeHTTP(w, r)
	default:
		in.rest.ServeHTTP(w, r)
	}
}

// operatorPaths belong to the internal address, which in dev mode is the public one.
const operatorPaths = "/api/v1/admin/"

// setRoutes gives each mux its routes. It fails if two dialects claim one path; then nothing is replaced.
func (s *Server) setRoutes(cfg *config.Config) error {
	public, err := s.newRoutes(cfg, nil, false)
	if err != nil {
		return err
	}
	public.calls, public.rest = s.api.Public(), s.api.Public()
	if s.internal == nil {
		public.rest = s.api.Internal()
	}
	all := []*routes{public}
	for _, at := range s.extra {
		in, err := s.newRoutes(cfg, at.dialects, true)
		if err != nil {
			return err
		}
		in.calls, in.rest = s.api.Clients(), s.api.Clients()
		all = append(all, in)
	}
	s.mux.routes.Store(all[0])
	names := namesOf(s.enabledDialects(cfg, nil))
	s.names.Store(&names)
	for i, at := range s.extra {
		at.mux.routes.Store(all[i+1])
	}
	return nil
}

// newRoutes makes the sockets of an address where the named dialects are spoken; no name is all.
func (s *Server) newRoutes(cfg *config.Config, names []string, ownListener bool) (*routes, error) {
	in := &routes{byHost: map[string]*websocket.Handler{}}
	if original := cfg.APISettings(); original != nil {
		in.prefix = original.APIPrefix()
	}
	var err error
	if in.sockets, err = s.handler(cfg, s.enabledDialects(cfg, names), ownListener); err != nil {
		return nil, err
	}
	for i := range cfg.Hosts {
		both := slices.DeleteFunc(slices.Clone(cfg.Hosts[i].Dialects), func(name string) bool {
			return len(names) > 0 && !slices.Contains(names, name)
		})
		if len(both) == 0 {
			continue // no dialect of this host is spoken at this address
		}
		host := config.CanonicalHost(cfg.Hosts[i].Name)
		if in.byHost[host], err = s.handler(cfg, s.enabledDialects(cfg, both), ownListener); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// enabledDialects are the dialects that are enabled and named; no name is all.
func (s *Server) enabledDialects(cfg *config.Config, names []string) []*dialect {
	return slices.DeleteFunc(slices.Clone(s.dialects), func(d *dialect) bool {
		name := d.Name()
		return !cfg.Enabled(name) || len(names) > 0 && !slices.Contains(names, name)
	})
}

// enabledNames are the names of the dialects that are enabled.
func (s *Server) enabledNames() []string {
	if names := s.names.Load(); names != nil {
		return *names
	}
	return nil
}

func namesOf(all []*dialect) []string {
	var names []string
	for _, d := range all {
		names = append(names, d.Name())
	}
	return names
}

func (s *Server) handler(cfg *config.Config, spoken []*dialect, ownListener bool) (*websocket.Handler, error) {
	var all []protocol.Dialect
	for _, d := range spoken {
		all = append(all, d)
	}
	all = append(all, onSharedPaths(cfg.Shared, spoken, ownListener)...)
	if len(all) == 0 { // each dialect of this address is switched off
		all = append(all, pathless{s.dialects[0]})
	}
	return s.sockets.Handler(all...)
}

// pathless is a dialect that is spoken nowhere.
type pathless struct{ protocol.Dialect }

// Paths implements protocol.Dialect.
func (pathless) Paths() []string { return nil }
