package server

import (
	"slices"
	"sync/atomic"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/firstframe"
)

// dialect is a dialect whose settings can be replaced while it is spoken: connections that are open keep their session,
// new ones and all limits go by the new settings. It is the one that the engine knows, whatever listener and path a
// connection came by.
type dialect struct{ current atomic.Pointer[configured] }

// configured is a dialect as it is configured at one time.
type configured struct {
	protocol.Dialect
	own, shared []string // its paths: those of its own, and those on which a first frame decides between it and others
}

var _ firstframe.Candidate = (*dialect)(nil)

// newDialects makes the dialects as they are configured, those that are switched off as well.
func newDialects(cfg *config.Config) []*configured {
	var made []protocol.Dialect
	for i := range cfg.Protocols {
		made = append(made, cfg.Protocols[i].Settings.Dialects()...)
	}
	claims := firstframe.Claims(firstframe.Candidates(made))
	var all []*configured
	for _, d := range made {
		s := &configured{Dialect: d}
		_, candidate := d.(firstframe.Candidate)
		for _, path := range d.Paths() {
			if candidate && slices.ContainsFunc(claims, func(c firstframe.Claim) bool { return c.Covers(path) }) {
				s.shared = append(s.shared, path)
			} else {
				s.own = append(s.own, path)
			}
		}
		all = append(all, s)
	}
	return all
}

// wrapDialects makes the dialects so that their settings can be replaced.
func wrapDialects(cfg *config.Config) []*dialect {
	var all []*dialect
	for _, made := range newDialects(cfg) {
		d := &dialect{}
		d.current.Store(made)
		all = append(all, d)
	}
	return all
}

func (d *dialect) now() protocol.Dialect { return d.current.Load().Dialect }

// Name implements protocol.Dialect.
func (d *dialect) Name() string { return d.now().Name() }

// Paths implements protocol.Dialect: all but the shared ones.
func (d *dialect) Paths() []string { return slices.Clone(d.current.Load().own) }

// Limits implements protocol.Dialect.
func (d *dialect) Limits() protocol.Limits { return d.now().Limits() }

// Open implements protocol.Dialect.
func (d *dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	return d.now().Open(hello)
}

// Encode implements protocol.Dialect.
func (d *dialect) Encode(to protocol.Delivery) protocol.Encoded { return d.now().Encode(to) }

// Recognises implements firstframe.Candidate.
func (d *dialect) Recognises(frame []byte) bool {
	candidate, ok := d.now().(firstframe.Candidate)
	return ok && candidate.Recognises(frame)
}

// onSharedPaths returns what answers at an address on the paths that its dialects share with others, whether or not
// those are spoken there. The last dialect is asked first. ownListener says that the address is for these dialects
// alone.
func onSharedPaths(cfg firstframe.Config, spoken []*dialect, ownListener bool) (all []protocol.Dialect) {
	candidates := map[string][]firstframe.Candidate{}
	var paths []string // in a steady order
	for _, d := range slices.Backward(spoken) {
		for _, path := range d.current.Load().shared {
			if candidates[path] == nil {
				paths = append(paths, path)
			}
			candidates[path] = append(candidates[path], d)
		}
	}
	for _, path := range paths {
		if among := candidates[path]; len(among) > 1 {
			all = append(all, firstframe.New(cfg, path, among...))
		} else {
			all = append(all, firstframe.Alone(among[0], path))
		}
	}
	if ownListener && len(spoken) == 1 {
		if d, ok := spoken[0].now().(protocol.ExtraPaths); ok {
			all = append(all, firstframe.Alone(spoken[0], d.PathsAlone()...))
		}
	}
	return all
}
