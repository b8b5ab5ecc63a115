package server

import (
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/echo"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// speak makes the dialects as they are configured. A new dialect is one more line here.
func speak(cfg *config.Config, options Options) []protocol.Dialect {
	all := []protocol.Dialect{
		dashboard.New(cfg.Dashboard),
		valtronics.New(cfg.Valtronics),
	}
	if options.Echo {
		all = append(all, echo.Dialect{})
	}
	return all
}

// dialect is a dialect whose settings can be replaced while it is spoken: connections that are open keep their session,
// new ones and all limits go by the new settings. Name and paths stay.
type dialect struct {
	current atomic.Pointer[protocol.Dialect]
}

var _ protocol.Dialect = (*dialect)(nil)

func dialects(cfg *config.Config, options Options) []*dialect {
	var all []*dialect
	for _, spoken := range speak(cfg, options) {
		d := &dialect{}
		d.current.Store(&spoken)
		all = append(all, d)
	}
	return all
}

func (d *dialect) now() protocol.Dialect { return *d.current.Load() }

// Name implements protocol.Dialect.
func (d *dialect) Name() string { return d.now().Name() }

// Paths implements protocol.Dialect.
func (d *dialect) Paths() []string { return d.now().Paths() }

// Limits implements protocol.Dialect.
func (d *dialect) Limits() protocol.Limits { return d.now().Limits() }

// Open implements protocol.Dialect.
func (d *dialect) Open(hello protocol.Hello) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	return d.now().Open(hello)
}

// Encode implements protocol.Dialect.
func (d *dialect) Encode(ev *protocol.Event, view protocol.View) []byte {
	return d.now().Encode(ev, view)
}
