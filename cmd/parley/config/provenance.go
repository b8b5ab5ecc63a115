package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/protocol"
)

// Provenance knows where the settings that are in force came from, also behind reloads: a setting that only a restart
// replaces is the one of the start. It is never changed.
type Provenance struct{ started, now *Config }

// Provenance is that of a configuration at the start.
func (c *Config) Provenance() *Provenance {
	own := *c
	return &Provenance{&own, &own}
}

// Reloaded is the provenance once a reload has replaced what needs no restart.
func (p *Provenance) Reloaded(c *Config) *Provenance {
	own := *c
	return &Provenance{p.started, &own}
}

// Place is where a setting came from.
type Place struct {
	// Key is the setting, such as "tenants[0].issuer"; "" if there is none.
	Key string
	// At is "parley.yaml:12", "environment PARLEY_LISTEN", "flag --listen", or "default".
	At string
}

// Find returns the place of a setting as package decision names it: "tenants[]." is that of the tenant, "dialect." that
// of the dialect's section, "rates." those of the tenant or of all, "rules[N]" the Nth rule of the tenant's topics.
func (p *Provenance) Find(tenant, dialect, setting string) Place {
	if setting == "" {
		return Place{}
	}
	t := slices.IndexFunc(p.now.Tenants, func(t Tenant) bool { return t.Name == tenant })
	name, rest, _ := strings.Cut(setting, ".")
	switch {
	case name == "tenants[]" && t >= 0:
		return p.now.place(fmt.Sprintf("tenants[%d].%s", t, rest))
	case name == "dialect":
		return p.now.place(p.now.dialectKey(dialect, rest))
	case name == "rates":
		return p.now.place(p.now.rateKey(t, rest))
	case strings.HasPrefix(name, "rules["):
		return p.now.place(p.now.ruleKey(t, name))
	}
	return p.started.place(setting)
}

// place is the place of a key of this configuration.
func (c *Config) place(key string) Place {
	if c.provenance == nil {
		return Place{key, byDefault}
	}
	return Place{key, c.provenance.at(key)}
}

const byDefault = "default"

// at says where the value of a key came from.
func (l *locator) at(key string) string {
	switch origin := l.origin(key); {
	case origin == "":
		return byDefault
	case strings.HasPrefix(origin, prefix):
		return "environment " + origin
	case strings.HasPrefix(origin, "--"):
		return "flag " + origin
	default:
		return origin
	}
}

// otherNames are settings of dialects that bear another name than in most.
var otherNames = map[string]string{"websocket_enabled": "enabled", "attachments": "subscriptions"}

// dialectKey is the key of a setting of a dialect; that of the section if that has no such setting.
func (c *Config) dialectKey(dialect, setting string) string {
	for i := range c.Protocols {
		p := &c.Protocols[i]
		if !slices.ContainsFunc(p.Dialects, func(d protocol.Description) bool { return d.Name == dialect }) {
			continue
		}
		for _, f := range fields(reflect.ValueOf(p.Settings).Elem()) {
			if f.name == setting || otherNames[f.name] == setting {
				return join(p.Section, f.name)
			}
		}
		return p.Section
	}
	return dialect
}

// rateKey is the key of the rate that holds for a tenant: its own, unless that leaves it open.
func (c *Config) rateKey(tenant int, rate string) string {
	key := "rates." + rate
	if tenant < 0 {
		return key
	}
	own := c.Tenants[tenant].Rates
	eachRate(&own, &limit.RateLimits{}, "", func(name string, n, _ *int) {
		if name == rate && *n != 0 {
			key = fmt.Sprintf("tenants[%d].rates.%s", tenant, rate)
		}
	})
	return key
}

// ruleKey is the key of a rule among those of a tenant's topics, in the order of Limits: "rules[3]".
func (c *Config) ruleKey(tenant int, rule string) string {
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rule, "rules["), "]"))
	if tenant >= 0 {
		own := len(c.Tenants[tenant].TopicRules)
		if n < own {
			return fmt.Sprintf("tenants[%d].topic_rules[%d]", tenant, n)
		}
		n -= own
	}
	if n < len(c.TopicRules) {
		return fmt.Sprintf("topic_rules[%d]", n)
	}
	return fmt.Sprintf("topics.rules[%d]", n-len(c.TopicRules))
}

// HostsOf are the hosts of a tenant; none if it has none of its own.
func (p *Provenance) HostsOf(tenant string) []string {
	for i := range p.now.Tenants {
		if p.now.Tenants[i].Name == tenant {
			return p.now.Tenants[i].Hosts
		}
	}
	return nil
}
