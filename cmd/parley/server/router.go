package server

import (
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/sse"
	"github.com/parley-realtime/parley/transport/websocket"
)

// router gives each address its routes: which dialects are spoken there, and which calls are answered.
type router struct {
	// Static.
	sockets   *websocket.Server
	api       *api.API
	internal  http.Handler // of the internal address
	listeners *listeners
	dialects  []*dialect // all that are configured, those that are switched off as well
	events    *sse.Handler
	apps      http.Handler // of the backends of apps

	names atomic.Pointer[[]string] // of the dialects that are enabled
}

// update gives each address its routes. It fails if two dialects claim one path; then nothing is replaced.
func (r *router) update(cfg *config.Config) error {
	public, err := r.newRoutes(cfg, nil, false)
	if err != nil {
		return err
	}
	public.calls, public.rest, public.events = r.api.Public(), r.api.Public(), r.events
	public.apps = r.apps
	if r.listeners.internal == nil {
		public.rest = r.internal
	}
	all := []*routes{public}
	for _, at := range r.listeners.extra {
		in, err := r.newRoutes(cfg, at.dialects, true)
		if err != nil {
			return err
		}
		in.calls, in.rest = r.api.Clients(), r.api.Clients()
		if len(at.dialects) == 0 { // it is for all
			in.events = r.events
		}
		all = append(all, in)
	}
	r.listeners.mux.routes.Store(all[0])
	names := namesOf(r.enabledDialects(cfg, nil))
	r.names.Store(&names)
	for i, at := range r.listeners.extra {
		at.mux.routes.Store(all[i+1])
	}
	return nil
}

// reload gives the dialects their settings, and the addresses their routes. If that fails, the old settings stay.
func (r *router) reload(cfg *config.Config) error {
	before := make([]*configured, len(r.dialects))
	for i, made := range newDialects(cfg) {
		before[i] = r.dialects[i].current.Swap(made)
	}
	err := r.update(cfg)
	if err != nil {
		for i := range before {
			r.dialects[i].current.Store(before[i])
		}
		return err
	}
	r.events.Dialect.Configure(cfg.Events)
	return nil
}

// newRoutes makes the sockets of an address where the named dialects are spoken; no name is all.
func (r *router) newRoutes(cfg *config.Config, names []string, ownListener bool) (*routes, error) {
	in := &routes{byHost: map[string]*websocket.Handler{}}
	if original := cfg.APISettings(); original != nil {
		in.prefix = original.APIPrefix()
	}
	var err error
	if in.sockets, err = r.handler(cfg, r.enabledDialects(cfg, names), ownListener); err != nil {
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
		if in.byHost[host], err = r.handler(cfg, r.enabledDialects(cfg, both), ownListener); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// enabledDialects are the dialects that are enabled and named; no name is all.
func (r *router) enabledDialects(cfg *config.Config, names []string) []*dialect {
	return slices.DeleteFunc(slices.Clone(r.dialects), func(d *dialect) bool {
		name := d.Name()
		return !cfg.Enabled(name) || len(names) > 0 && !slices.Contains(names, name)
	})
}

// enabledNames are the names of the dialects that are enabled; none before update.
func (r *router) enabledNames() []string {
	if names := r.names.Load(); names != nil {
		return *names
	}
	return nil
}

// named is the dialect of that name, nil if there is none.
func (r *router) named(name string) *dialect {
	i := slices.IndexFunc(r.dialects, func(d *dialect) bool { return d.Name() == name })
	if i < 0 {
		return nil
	}
	return r.dialects[i]
}

func namesOf(all []*dialect) []string {
	var names []string
	for _, d := range all {
		names = append(names, d.Name())
	}
	return names
}

func (r *router) handler(cfg *config.Config, spoken []*dialect, ownListener bool) (*websocket.Handler, error) {
	var all []protocol.Dialect
	for _, d := range spoken {
		all = append(all, d)
	}
	all = append(all, onSharedPaths(cfg.Shared, spoken, ownListener)...)
	if len(all) == 0 { // each dialect of this address is switched off
		all = append(all, pathless{r.dialects[0]})
	}
	return r.sockets.Handler(all...)
}

// ticketClaims are the rules of the dialect that takes tickets, as it is configured now; false if there is none.
func (r *router) ticketClaims() (protocol.Claims, bool) {
	for _, d := range r.dialects {
		if takes, ok := d.now().(protocol.TicketTaker); ok {
			return takes.TicketClaims(), true
		}
	}
	return protocol.Claims{}, false
}
