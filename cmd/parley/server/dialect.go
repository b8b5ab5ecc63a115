package server

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/authentik"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/echo"
	"github.com/parley-realtime/parley/protocol/firstframe"
	"github.com/parley-realtime/parley/protocol/notify"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// speak makes the dialects as they are configured, those that are switched off as well. A new dialect is one more line
// here.
func speak(cfg *config.Config, options Options) []protocol.Dialect {
	all := []protocol.Dialect{
		dashboard.New(cfg.Dashboard),
		valtronics.New(cfg.Valtronics.Config),
		notify.New(cfg.Notify.Config),
		authentik.NewClient(cfg.Authentik.Config),
		authentik.NewOutpost(cfg.Authentik.Config),
		airlay.New(cfg.AirLay.Config),
	}
	if options.Echo {
		all = append(all, echo.Dialect{})
	}
	return all
}

// sharedPath is where a client's first frame says what it speaks.
const sharedPath = valtronics.Path

// dialect is a dialect whose settings can be replaced while it is spoken: connections that are open keep their session,
// new ones and all limits go by the new settings. It is the one that the engine knows, on whatever listener and path a
// connection came in; sharedPath is for others to hand to it.
type dialect struct {
	current atomic.Pointer[protocol.Dialect]
}

var _ firstframe.Candidate = (*dialect)(nil)

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

// Paths implements protocol.Dialect: all but the shared one.
func (d *dialect) Paths() []string {
	return slices.DeleteFunc(slices.Clone(d.now().Paths()), func(path string) bool { return path == sharedPath })
}

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

// shares reports whether the dialect answers on the shared path.
func (d *dialect) shares() bool {
	_, ok := d.now().(firstframe.Candidate)
	return ok
}

// Recognises implements firstframe.Candidate.
func (d *dialect) Recognises(frame []byte) bool {
	candidate, ok := d.now().(firstframe.Candidate)
	return ok && candidate.Recognises(frame)
}

// alone has the shared path to itself.
type alone struct{ *dialect }

// Paths implements protocol.Dialect.
func (alone) Paths() []string { return []string{sharedPath} }

// Open implements protocol.Dialect.
func (a alone) Open(hello protocol.Hello) (protocol.Session, *protocol.Credential, *protocol.Refusal) {
	session, credential, why := a.dialect.Open(hello)
	if why != nil {
		return nil, nil, why
	}
	return arrival{session, a.dialect}, credential, nil
}

// arrival is a session that becomes its dialect's own as soon as its connection is open.
type arrival struct {
	protocol.Session
	dialect *dialect
}

// Opened implements protocol.Session.
func (a arrival) Opened(now time.Time, number uint64) []protocol.Command {
	become := protocol.Become{Dialect: a.dialect, Session: a.Session}
	return append([]protocol.Command{become}, a.Session.Opened(now, number)...)
}

// sharing is what answers on the shared path for those of some dialects that do; nil if none does. AirLay is asked first:
// its requests cannot be mistaken, and a type is a common word. ownListener says that the address is for these alone.
func sharing(cfg firstframe.Config, all []*dialect, ownListener bool) protocol.Dialect {
	var candidates []firstframe.Candidate
	for _, d := range slices.Backward(all) { // AirLay comes last among all
		if d.shares() {
			candidates = append(candidates, d)
		}
	}
	switch {
	case len(candidates) > 1:
		return firstframe.New(cfg, sharedPath, candidates...)
	case len(candidates) == 0:
		return nil
	}
	d := candidates[0].(*dialect)
	if ownListener && len(all) == 1 && d.Name() == "airlay" {
		return airlay.Own(d)
	}
	return alone{d}
}
