package policy

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/parley-realtime/parley/actors/durable"
)

// Durability tells the store which topics the rules of all tenants keep in it, before they hold: the store gives a
// topic that was served from elsewhere meanwhile a new epoch, so that its readers are told of the gap.
type Durability struct {
	mu    sync.Mutex // guards the rest, and lets one at a time tell the store
	rules map[string]Rules
	store *durable.Store // nil while there is none
	// missed are the texts that held while the store was being opened; nil while it is not.
	missed []string
}

// mostMissed bounds Durability.missed.
const mostMissed = 16

// Note notes the rules of some tenants, and tells the store if there is one.
func (d *Durability) Note(tenants map[string]Rules) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rules == nil {
		d.rules = map[string]Rules{}
	}
	maps.Copy(d.rules, tenants)
	text := DurableTopics(d.rules)
	switch {
	case d.store != nil:
		return d.store.SetRules(text, matcher)
	case d.missed == nil || slices.Contains(d.missed, text):
	case len(d.missed) < mostMissed:
		d.missed = append(d.missed, text)
	default:
		d.missed = []string{""} // as if nothing had been durable
	}
	return nil
}

// Await says that a store is being opened, or that none is.
func (d *Durability) Await(opening bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missed = nil
	if opening {
		d.missed = []string{DurableTopics(d.rules)}
	}
}

// Begin tells a store that was just opened, also of what it missed; if that fails there is none.
func (d *Durability) Begin(store *durable.Store) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, text := range append(d.missed, DurableTopics(d.rules)) {
		if err := store.SetRules(text, matcher); err != nil {
			return err
		}
	}
	d.store, d.missed = store, nil
	return nil
}

// The text has a line per tenant: its name, then the patterns of its rules, each behind a letter for what the rule says
// of the store, then the other patterns of durable topics. No name holds a tab.
const (
	ruleDurable, ruleMemory, ruleOpen, otherDurable = "d", "m", "o", "*"
)

// DurableTopics says which topics are durable by the rules of these tenants, as a text for durable.Config.Rules.
func DurableTopics(byTenant map[string]Rules) string {
	var lines []string
	for tenant, rules := range byTenant {
		if line := rules.durable(); line != "" {
			lines = append(lines, tenant+line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// durable is the tenant's line without its name, "" if no topic is durable.
func (r *Rules) durable() string {
	var line strings.Builder
	some := len(r.Durable) > 0
	for _, rule := range r.List {
		letter := ruleOpen
		switch rule.Store {
		case Durable:
			letter, some = ruleDurable, true
		case InMemory:
			letter = ruleMemory
		}
		line.WriteString("\t" + letter + rule.Pattern)
	}
	for _, pattern := range r.Durable {
		line.WriteString("\t" + otherDurable + pattern)
	}
	if !some {
		return ""
	}
	return line.String()
}

// covers reads what DurableTopics wrote.
func matcher(text string) durable.TopicMatcher {
	byTenant := map[string]*Rules{}
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Split(line, "\t")
		rules := &Rules{}
		for _, field := range fields[1:] {
			if field == "" {
				continue
			}
			switch pattern := field[1:]; field[:1] {
			case ruleDurable:
				rules.List = append(rules.List, Rule{Pattern: pattern, Store: Durable})
			case ruleMemory:
				rules.List = append(rules.List, Rule{Pattern: pattern, Store: InMemory})
			case ruleOpen:
				rules.List = append(rules.List, Rule{Pattern: pattern})
			case otherDurable:
				rules.Durable = append(rules.Durable, pattern)
			}
		}
		byTenant[fields[0]] = rules
	}
	return func(tenant, topic string) bool {
		rules := byTenant[tenant]
		return rules != nil && rules.Rule(topic).Store == Durable
	}
}
