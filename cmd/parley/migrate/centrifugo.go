// Package migrate makes configurations of Parley's from those of other servers.
//
// It promises that a right which the other server did not give is not given by what it makes, and that each setting
// without a counterpart is named. It does not read files.
package migrate

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// settings are those of the other server that were not looked at yet, by their paths.
type settings map[string]any

// flatten notes all that lies below a path; lists stay whole.
func (s settings) flatten(path string, value any) {
	section, ok := value.(map[string]any)
	if !ok {
		s[path] = value
		return
	}
	for name, inner := range section {
		s.flatten(strings.TrimPrefix(path+"."+name, "."), inner)
	}
}

// text takes a setting as a text, "" if it is not there.
func (s settings) text(path string) string {
	value, ok := s[path]
	delete(s, path)
	if !ok || value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// on takes a setting that is true or false.
func (s settings) on(path string) bool { return s.text(path) == "true" }

// Centrifugo makes a YAML file of a configuration of Centrifugo 6, JSON or YAML, for one tenant of that name. left are
// the settings that have no counterpart, sorted. The file holds the secrets that the other one held.
func Centrifugo(config []byte, tenant string) (file []byte, left []string, err error) {
	var read map[string]any
	if err := yaml.Unmarshal(config, &read); err != nil {
		return nil, nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	s := settings{}
	s.flatten("", read)
	var out bytes.Buffer
	port, address := s.text("http_server.port"), s.text("http_server.address")
	if port == "" {
		port = "8000"
	}
	fmt.Fprintf(&out, "listen: %q\n", net.JoinHostPort(address, port))
	insecure := s.on("client.insecure")
	anonymous := s.on("client.allow_anonymous_connect_without_token")
	fmt.Fprintf(&out, "centrifuge:\n  insecure: %v\n", insecure || anonymous)
	all := s.channels()
	writeNamespaces(&out, all)
	writeTenant(&out, s, tenant, all, insecure)
	writeRules(&out, all)
	return out.Bytes(), slices.Sorted(maps.Keys(s)), nil
}

// channels are the options of the namespaces and, as the last, those of the channels without one.
func (s settings) channels() []namespace {
	var all []namespace
	list, _ := s["channel.namespaces"].([]any)
	delete(s, "channel.namespaces")
	for _, one := range list {
		inner := settings{}
		inner.flatten("", one)
		made := inner.namespace("", inner.text("name"))
		all = append(all, made)
		for _, path := range slices.Sorted(maps.Keys(inner)) {
			s["channel.namespaces."+made.name+"."+path] = inner[path]
		}
	}
	return append(all, s.namespace("channel.without_namespace.", ""))
}

// writeTenant writes the tenant with its keys and rights.
func writeTenant(out *bytes.Buffer, s settings, tenant string, all []namespace, insecure bool) {
	fmt.Fprintf(out, "tenants:\n  - name: %q\n", tenant)
	if key := s.text("http_api.key"); key != "" {
		fmt.Fprintf(out, "    api_keys: [%q]\n", key)
	}
	if secret := s.text("client.token.hmac_secret_key"); secret != "" {
		fmt.Fprintf(out, "    keys: [{alg: HS256, secret: %q}]\n", secret)
	}
	users, strangers := granted(all, func(n namespace) bool { return n.subscribe }),
		granted(all, func(n namespace) bool { return n.anonymous })
	if insecure {
		users, strangers = []string{"*"}, []string{"*"}
	}
	fmt.Fprintf(out, "    topics: [%s]\n    anonymous_topics: [%s]\n", quoted(users), quoted(strangers))
}

func quoted(all []string) string {
	var texts []string
	for _, text := range all {
		texts = append(texts, fmt.Sprintf("%q", text))
	}
	return strings.Join(texts, ", ")
}
