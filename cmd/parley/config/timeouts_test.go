package config

import (
	"strings"
	"testing"
)

// F34: check said ok to pings so frequent that real outposts, which do not read while they work, would have been cut.
// F42: nor did it say that a client does not wait as long as its tenant's backend may take.
func TestCheck_WarnsOfTimesThatDoNotGoTogether(t *testing.T) {
	asking := strings.Replace(tenantYAML, "name: acme",
		"name: acme\n    introspection: {url: 'http://127.0.0.1:1/', secret: 0123456789abcdef, budget: 9s}", 1)
	for text, want := range map[string]string{
		tenantYAML: "",
		"engine: {ping_every: 14s}\n" + tenantYAML: "",
		"engine: {ping_every: 2s}\n" + tenantYAML: "engine.ping_every: takes a peer for " +
			"gone that was silent for 6s",
		"engine: {timeout: 29s}\n" + tenantYAML: "engine.timeout: takes a peer for " +
			"gone that was silent for 29s",
		"engine: {ping_every: 2s}\nauthentik: {enabled: false}\n" + tenantYAML: "",
		"engine: {ping_every: 2s, timeout: 30s}\n" + tenantYAML:                "",
		asking: "",
		"engine: {request_timeout: 8s}\n" + asking: "tenants[0].introspection.budget: is 9s, and a client waits no " +
			"longer than engine.request_timeout, 8s",
	} {
		l := load(t, text)
		if len(l.Problems) > 0 {
			t.Fatalf("%s\nproblems: %v", text, l.Problems)
		}
		got := ""
		for _, w := range l.Warnings {
			got += w.String()
		}
		if !strings.Contains(got, want) || want == "" && got != "" || want != "" &&
			!strings.Contains(got, "parley.yaml:") {
			t.Errorf("%s\nwarns %q, want %q", text, got, want)
		}
	}
}
