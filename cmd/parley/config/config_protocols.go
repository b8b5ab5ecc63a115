package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Protocol is a protocol with its settings. The settings are shared by all copies of a Config and are not changed after
// Load.
type Protocol struct {
	protocol.Registration
	Settings protocol.Settings
}

// protocolsOf are the protocols of a list with their defaults.
func protocolsOf(list []protocol.Registration) []Protocol {
	var all []Protocol
	for _, r := range list {
		all = append(all, Protocol{r, r.Defaults()})
	}
	return all
}

// Dialects are the names of all dialects.
func (c *Config) Dialects() (names []string) {
	for i := range c.Protocols {
		for _, d := range c.Protocols[i].Dialects {
			names = append(names, d.Name)
		}
	}
	return names
}

// Enabled reports whether a dialect is to be spoken.
func (c *Config) Enabled(dialect string) bool {
	return slices.ContainsFunc(c.Protocols, func(p Protocol) bool {
		return p.Settings.On() && slices.ContainsFunc(p.Dialects,
			func(d protocol.Description) bool { return d.Name == dialect })
	})
}

// AllListeners are all listeners beside the public one: those that protocols have of their own, and those of the list.
func (c *Config) AllListeners() []Listener {
	var all []Listener
	for i := range c.Protocols {
		p := &c.Protocols[i]
		if own := p.listen(); own != "" && p.Settings.On() {
			at := Listener{Address: own}
			for _, d := range p.Dialects {
				at.Dialects = append(at.Dialects, d.Name)
			}
			all = append(all, at)
		}
	}
	return append(all, c.Listeners...)
}

// listen is the address of the protocol's own listener, "" for none.
func (p *Protocol) listen() string {
	if own, ok := p.Settings.(protocol.ListenSettings); ok {
		return own.Listen()
	}
	return ""
}

// APISettings are those of the protocol whose clients call an HTTP API of the original's; nil if there is none.
func (c *Config) APISettings() protocol.APISettings {
	for i := range c.Protocols {
		if s, ok := c.Protocols[i].Settings.(protocol.APISettings); ok {
			return s
		}
	}
	return nil
}

// helpWords are words in the help of settings that follow from the protocols.
func (c *Config) helpWords() *strings.Replacer {
	alone := ""
	for i := range c.Protocols {
		for _, d := range c.Protocols[i].Settings.Dialects() {
			if extra, ok := d.(protocol.ExtraPaths); ok {
				alone += fmt.Sprintf(" %s alone also answers on %s.", c.Protocols[i].Name,
					strings.Join(extra.PathsAlone(), ", "))
			}
		}
	}
	return strings.NewReplacer("{dialects}", strings.Join(c.Dialects(), ", "), "{alone}", alone)
}
