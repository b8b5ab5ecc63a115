package config

import (
	"fmt"
	"slices"
	"strings"
)

// Host fixes the dialects of one host.
type Host struct {
	Name     string   `yaml:"name" unit:"name" help:"A Host header, without port."`
	Dialects []string `yaml:"dialects" unit:"dialects" help:"All that is spoken there: {dialects}."`
}

// Listener is one more address where clients connect. Backends do not: it has sockets, and what clients call.
type Listener struct {
	Address  string   `yaml:"address" unit:"host:port"`
	Tenant   string   `yaml:"tenant" unit:"name"`
	Dialects []string `yaml:"dialects" unit:"dialects"`
	TLS      bool     `yaml:"tls" unit:"true or false"`
}

// checkListeners adds the problems of hosts and listeners.
func (l *Result) checkListeners(dev bool) {
	c := &l.Config
	seen := map[string]bool{}
	for i := range c.Hosts {
		host, key := &c.Hosts[i], fmt.Sprintf("hosts[%d]", i)
		switch name := CanonicalHost(host.Name); {
		case name == "":
			l.addProblem(key+".name", "is missing")
		case seen[name]:
			l.addProblem(key+".name", "is there twice")
		default:
			seen[name] = true
		}
		if len(host.Dialects) == 0 {
			l.addProblem(key+".dialects", "is missing: what is spoken there")
		}
		l.checkDialects(key+".dialects", host.Dialects)
	}
	for i := range c.Listeners {
		l.checkListener(&c.Listeners[i], fmt.Sprintf("listeners[%d]", i), dev)
	}
}

func (l *Result) checkListener(at *Listener, key string, dev bool) {
	c := &l.Config
	l.address(key+".address", at.Address)
	if dev && !Loopback(at.Address) {
		l.addProblem(key+".address", "dev mode serves loopback alone")
	}
	if at.TLS && !c.TLS.On() {
		l.addProblem(key+".tls", "needs the certificate of the section tls")
	}
	if at.Tenant != "" && !slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return t.Name == at.Tenant }) {
		l.addProblem(key+".tenant", "no tenant has this name")
	}
	l.checkDialects(key+".dialects", at.Dialects)
}

func (l *Result) checkDialects(key string, names []string) {
	known := l.Config.Dialects()
	for i, name := range names {
		switch {
		case !slices.Contains(known, name):
			l.addProblem(fmt.Sprintf("%s[%d]", key, i), "must be one of "+strings.Join(known, ", "))
		case !l.Config.Enabled(name):
			l.addProblem(fmt.Sprintf("%s[%d]", key, i), name+" is not enabled")
		}
	}
}
