package migrate

import (
	"bytes"
	"fmt"
	"slices"
)

// namespace are the options of a namespace's channels; the name is "" for channels without one.
type namespace struct {
	name                 string
	presence             bool
	subscribe, anonymous bool // clients with a token, and those without, may subscribe
	publish              string
	count, age           string // of the history
}

// namespace takes the options below a path.
func (s settings) namespace(path, name string) namespace {
	n := namespace{name: name, presence: s.on(path + "presence"), subscribe: s.on(path + "allow_subscribe_for_client"),
		anonymous: s.on(path + "allow_subscribe_for_anonymous"), publish: "token",
		count: s.text(path + "history_size"), age: s.text(path + "history_ttl")}
	subscriber, client := s.on(path+"allow_publish_for_subscriber"), s.on(path+"allow_publish_for_client")
	switch {
	case client:
		n.publish = "clients"
	case subscriber:
		n.publish = "subscribers"
	}
	return n
}

// pattern covers the channels.
func (n *namespace) pattern() string {
	if n.name == "" {
		return "*"
	}
	return n.name + ":*"
}

// granted are the patterns of the channels that are open. No pattern is for channels without a namespace alone, so they
// are open only if all others are.
func granted(all []namespace, open func(namespace) bool) (patterns []string) {
	if !slices.ContainsFunc(all, func(n namespace) bool { return !open(n) }) {
		return []string{"*"}
	}
	for _, n := range all {
		if n.name != "" && open(n) {
			patterns = append(patterns, n.pattern())
		}
	}
	return patterns
}

// writeNamespaces writes the namespaces, if there are any.
func writeNamespaces(out *bytes.Buffer, all []namespace) {
	if len(all) == 1 {
		return
	}
	out.WriteString("  namespaces:\n")
	for _, n := range all[:len(all)-1] {
		fmt.Fprintf(out, "    %q: {presence: %v}\n", n.name, n.presence)
	}
}

// writeRules writes a rule for each namespace; the first that covers a channel counts.
func writeRules(out *bytes.Buffer, all []namespace) {
	out.WriteString("topic_rules:\n")
	for _, n := range all {
		fmt.Fprintf(out, "  - {pattern: %q, publish: %s", n.pattern(), n.publish)
		if n.count != "" && n.count != "0" {
			fmt.Fprintf(out, ", history_count: %s", n.count)
		}
		if n.age != "" && n.age != "0s" {
			fmt.Fprintf(out, ", history_age: %s", n.age)
		}
		out.WriteString("}\n")
	}
}
