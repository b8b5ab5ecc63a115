package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Dialects are those in which a client can listen, by name.
type Dialects map[string]*protocol.Client

// DialectsOf are the dialects of some protocols.
func DialectsOf(protocols []protocol.Registration) Dialects {
	all := Dialects{}
	for _, p := range protocols {
		for _, d := range p.Dialects {
			if d.Client != nil {
				all[d.Name] = d.Client
			}
		}
	}
	return all
}

// Names are those of the dialects, sorted.
func (d Dialects) Names() []string { return slices.Sorted(maps.Keys(d)) }

// Choose says in which dialects to listen when none is named, and for which topics in each: without topics in all that
// hear something unasked, else in those that can ask for them. The first is one that explains what is wrong with a
// token, if there is one. A topic that no client can ask for is an error.
func (d Dialects) Choose(topics []string) (names []string, each map[string][]string, err error) {
	each = map[string][]string{}
	for _, name := range d.Names() {
		if len(topics) == 0 && d[name].HearsUnasked {
			names = append(names, name)
		}
	}
	for _, topic := range topics {
		hearer := ""
		for _, name := range d.Names() {
			if d[name].Hears(topic) {
				hearer = name
			}
		}
		if hearer == "" {
			return nil, nil, fmt.Errorf("topic %.100q: no protocol's clients ask for it by this name; "+
				"say which one you mean with --dialect", topic)
		}
		if len(each[hearer]) == 0 {
			names = append(names, hearer)
		}
		each[hearer] = append(each[hearer], topic)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d[a].ExplainsTokens != d[b].ExplainsTokens {
			return map[bool]int{true: -1, false: 1}[d[a].ExplainsTokens]
		}
		return strings.Compare(a, b)
	})
	return names, each, nil
}
