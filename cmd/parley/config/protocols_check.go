package config

import (
	"fmt"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/firstframe"
)

// checkProtocols adds the problems of the settings of protocols, by themselves and together.
func checkProtocols(c *Config, dev bool, d *Diagnostics) {
	for i := range c.Protocols {
		p := &c.Protocols[i]
		d.addError(p.Section, p.Settings.Check())
		if own := p.listen(); dev && own != "" && !Loopback(own) {
			d.addProblem(p.Section+".address", "dev mode serves loopback alone; set 127.0.0.1")
		}
	}
	checkPaths(c, d)
}

// checkPaths finds paths that two protocols want, unless the first frame of a connection can decide between them.
func checkPaths(c *Config, d *Diagnostics) {
	var dialects, enabled []protocol.Dialect
	owner := map[string]*Protocol{} // of dialects, by name
	for i := range c.Protocols {
		p := &c.Protocols[i]
		for _, dialect := range p.Settings.Dialects() {
			owner[dialect.Name()] = p
			dialects = append(dialects, dialect)
			if p.Settings.On() {
				enabled = append(enabled, dialect)
			}
		}
	}
	for _, claim := range firstframe.Claims(enabled) {
		if !claim.Decidable() {
			first, second := owner[claim.Dialects[0].Name()], owner[claim.Dialects[1].Name()]
			d.addProblem(second.Section, fmt.Sprintf("wants the path %s, and so does %s; only one of them can have it",
				claim.Path, first.Name))
		}
	}
	for _, claim := range firstframe.Claims(firstframe.Candidates(dialects)) {
		var names []string
		for _, dialect := range claim.Dialects {
			names = append(names, dialect.Name())
		}
		d.requireOneOf("shared.default", c.Shared.Default, names...)
	}
}
