package config

import (
	"fmt"
	"slices"
	"strings"
)

// Host fixes the dialects of one host.
type Host struct {
	Name     string   `yaml:"name" unit:"name"`
	Dialects []string `yaml:"dialects" unit:"dialects"`
}

// Help is one line of meaning for each key.
func (Host) Help() map[string]string {
	return map[string]string{
		"name":     "A Host header, without port.",
		"dialects": "All that is spoken there: {dialects}.",
	}
}

// Listener is one more address where clients connect. Backends do not: it has sockets, and what clients call.
type Listener struct {
	Address  string   `yaml:"address" unit:"host:port"`
	Tenant   string   `yaml:"tenant" unit:"name"`
	Dialects []string `yaml:"dialects" unit:"dialects"`
	TLS      bool     `yaml:"tls" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (Listener) Help() map[string]string {
	return map[string]string{
		"address":  "Where clients connect, beside listen.",
		"tenant":   "Whose all connections are; empty for what the Host header says.",
		"dialects": "All that is spoken here; empty for all that are enabled.{alone}",
		"tls":      "Speak TLS, with the certificate of tls.",
	}
}

// checkListeners adds the problems of hosts and listeners.
func checkListeners(c *Config, dev bool, d *Diagnostics) {
	seen := map[string]bool{}
	for i := range c.Hosts {
		host, key := &c.Hosts[i], fmt.Sprintf("hosts[%d]", i)
		switch name := CanonicalHost(host.Name); {
		case name == "":
			d.addProblem(key+".name", "is missing")
		case seen[name]:
			d.addProblem(key+".name", "is there twice")
		default:
			seen[name] = true
		}
		if len(host.Dialects) == 0 {
			d.addProblem(key+".dialects", "is missing: what is spoken there")
		}
		checkDialects(c, key+".dialects", host.Dialects, d)
	}
	for i := range c.Listeners {
		checkListener(c, &c.Listeners[i], fmt.Sprintf("listeners[%d]", i), dev, d)
	}
}

func checkListener(c *Config, at *Listener, key string, dev bool, d *Diagnostics) {
	checkAddress(key+".address", at.Address, d)
	if dev && !Loopback(at.Address) {
		d.addProblem(key+".address", "dev mode serves loopback alone")
	}
	if at.TLS && !c.TLS.On() {
		d.addProblem(key+".tls", "needs the certificate of the section tls")
	}
	if at.Tenant != "" && !slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return t.Name == at.Tenant }) {
		d.addProblem(key+".tenant", "no tenant has this name")
	}
	checkDialects(c, key+".dialects", at.Dialects, d)
}

func checkDialects(c *Config, key string, names []string, d *Diagnostics) {
	known := c.Dialects()
	for i, name := range names {
		switch {
		case !slices.Contains(known, name):
			d.addProblem(fmt.Sprintf("%s[%d]", key, i), "must be one of "+strings.Join(known, ", "))
		case !c.Enabled(name):
			d.addProblem(fmt.Sprintf("%s[%d]", key, i), name+" is not enabled")
		}
	}
}
