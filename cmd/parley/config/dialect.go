package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/authentik"
	"github.com/parley-realtime/parley/protocol/notify"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// The sections of dialects whose own Config has no switch; that of the dashboard has one, under its document's name.
type (
	// Valtronics is Valtronics on /ws and its four endpoints.
	Valtronics struct {
		Enabled           bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false" help:"Whether Valtronics is spoken."`
		valtronics.Config `yaml:",inline"`
	}
	// Notify is notify on /api/v1/ws.
	Notify struct {
		Enabled       bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false" help:"Whether notify is spoken."`
		notify.Config `yaml:",inline"`
	}
	// Authentik is both dialects of authentik.
	Authentik struct {
		Enabled          bool   `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false" help:"Whether authentik's pages and outposts are served."`
		Upstream         string `yaml:"upstream" env:"UPSTREAM" unit:"URL" help:"The real authentik, such as https://authentik.example/: it answers what is below /api/v3/, but for what outposts[].documents say."`
		authentik.Config `yaml:",inline"`
	}
	// AirLay is AirLay, under its document's name, on /ws and on a listener of its own.
	AirLay struct {
		Enabled       bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false" help:"Whether AirLay is spoken."`
		airlay.Config `yaml:",inline"`
	}
)

// Host fixes what is spoken to one host.
type Host struct {
	Name     string   `yaml:"name" unit:"name" help:"A Host header, without port."`
	Dialects []string `yaml:"dialects" unit:"dialects" help:"All that is spoken there: dashboard, valtronics, notify, authentik, authentik_outpost, airlay."`
}

// Listener is one more address where clients connect. Backends do not: it has sockets, and what clients call.
type Listener struct {
	Address  string   `yaml:"address" unit:"host:port" help:"Where clients connect, beside listen."`
	Tenant   string   `yaml:"tenant" unit:"name" help:"Whose all connections are; empty for what the Host header says."`
	Dialects []string `yaml:"dialects" unit:"dialects" help:"All that is spoken here; empty for all that are enabled. AirLay alone also answers on /."`
	TLS      bool     `yaml:"tls" unit:"true or false" help:"Speak TLS, with the certificate of tls."`
}

// Dialects are the names of all dialects.
var Dialects = []string{"dashboard", "valtronics", "notify", "authentik", "authentik_outpost", "airlay"}

// Speaks reports whether a dialect is enabled.
func (c *Config) Speaks(dialect string) bool {
	switch dialect {
	case "dashboard":
		return true // one that is switched off says so itself: 404
	case "valtronics":
		return c.Valtronics.Enabled
	case "notify":
		return c.Notify.Enabled
	case "authentik", "authentik_outpost":
		return c.Authentik.Enabled
	case "airlay":
		return c.AirLay.Enabled
	}
	return false
}

// Places are all listeners beside the public one: AirLay's own and those of the list.
func (c *Config) Places() []Listener {
	places := slices.Clone(c.Listeners)
	if own := c.AirLay.Listen(); own != "" && c.AirLay.Enabled {
		places = append([]Listener{{Address: own, Dialects: []string{"airlay"}}}, places...)
	}
	return places
}

// checkPlaces finds what is wrong with hosts and listeners.
func (l *Loaded) checkPlaces(dev bool) {
	c := &l.Config
	seen := map[string]bool{}
	for i := range c.Hosts {
		host, key := &c.Hosts[i], fmt.Sprintf("hosts[%d]", i)
		switch name := CanonicalHost(host.Name); {
		case name == "":
			l.complain(key+".name", "is missing")
		case seen[name]:
			l.complain(key+".name", "is there twice")
		default:
			seen[name] = true
		}
		if len(host.Dialects) == 0 {
			l.complain(key+".dialects", "is missing: what is spoken there")
		}
		l.checkDialects(key+".dialects", host.Dialects)
	}
	for i := range c.Listeners {
		l.checkListener(&c.Listeners[i], fmt.Sprintf("listeners[%d]", i), dev)
	}
	if own := c.AirLay.Listen(); dev && own != "" && !Loopback(own) {
		l.complain("webSocketEvents.address", "dev mode serves loopback alone; set 127.0.0.1")
	}
}

func (l *Loaded) checkListener(at *Listener, key string, dev bool) {
	c := &l.Config
	l.address(key+".address", at.Address)
	if dev && !Loopback(at.Address) {
		l.complain(key+".address", "dev mode serves loopback alone")
	}
	if at.TLS && !c.TLS.On() {
		l.complain(key+".tls", "needs the certificate of the section tls")
	}
	if at.Tenant != "" && !slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return t.Name == at.Tenant }) {
		l.complain(key+".tenant", "no tenant has this name")
	}
	l.checkDialects(key+".dialects", at.Dialects)
}

func (l *Loaded) checkDialects(key string, names []string) {
	for i, name := range names {
		switch {
		case !slices.Contains(Dialects, name):
			l.complain(fmt.Sprintf("%s[%d]", key, i), "must be one of "+strings.Join(Dialects, ", "))
		case !l.Config.Speaks(name):
			l.complain(fmt.Sprintf("%s[%d]", key, i), name+" is not enabled")
		}
	}
}
