package config

import (
	"strings"
	"testing"
)

// reliability.md check 56: every problem is said, each with its line and key, in one go.
func TestLoad_EveryProblemHasFileLineAndKey(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"unknown key", "lisen: 127.0.0.1:1\n", `parley.yaml:1: lisen: unknown key; did you mean "listen"?`},
		{"unknown key below", "dashboard:\n  websocket_enable: true\n",
			`parley.yaml:2: dashboard.websocket_enable: unknown key; did you mean "websocket_enabled"?`},
		{"unknown key in a list", "tenants:\n  - nme: a\n",
			`parley.yaml:2: tenants[0].nme: unknown key; did you mean "name"?`},
		{"nothing near", "zzzzzzzzzzzzzzzzzz: 1\n",
			"parley.yaml:1: zzzzzzzzzzzzzzzzzz: unknown key; known here are listen"},
		{"no number", "\n\nengine:\n  topics: many\n", "parley.yaml:4: engine.topics: must be a whole number"},
		{"no duration", "drain: 30\n", "parley.yaml:1: drain: must be a duration with its unit"},
		{"no truth", "feed: maybe\n", "parley.yaml:1: feed: must be true or false"},
		{"no text", "listen: [1]\n", "parley.yaml:1: listen: must be a text"},
		{"a secret of digits", "tenants:\n  - name: 7\n",
			"parley.yaml:2: tenants[0].name: must be a text (in quotes if it looks like a number)"},
		{"no section", "log: json\n", "parley.yaml:1: log: must be a section with keys of its own: format, level"},
		{"no list", "tenants: acme\n", "parley.yaml:1: tenants: must be a list"},
		{"no YAML", "a: [\n", "parley.yaml:1: "},
		{"twice", "drain: 1s\ndrain: 2s\n", "parley.yaml:2: mapping key"},
		{"two documents", "drain: 1s\n---\ndrain: 2s\n", "a second YAML document"},
		{"an alias", "listen: &a x\n", "parley.yaml:1: listen: anchors"},
		{"a bad address", "listen: here\n" + tenantYAML, "parley.yaml:1: listen: must be host:port"},
		{"a bad port", "listen: 127.0.0.1:99999\n" + tenantYAML, "parley.yaml:1: listen: the port"},
		{"a public internal address", "internal_listen: 0.0.0.0:8001\n" + tenantYAML,
			"parley.yaml:1: internal_listen: is not loopback"},
		{"a bad level", "log:\n  level: loud\n" + tenantYAML,
			"parley.yaml:2: log.level: must be one of debug, info, warn, error"},
		{"a zero that is not obeyed", "engine:\n  queue_bytes: 0\n" + tenantYAML,
			"parley.yaml:2: engine.queue_bytes: must be greater than 0"},
		{"a negative", "engine:\n  topics: -1\n" + tenantYAML, "parley.yaml:2: engine.topics: must not be negative"},
		{"a bad heartbeat", "dashboard:\n  websocket_heartbeat_seconds: 0\n" + tenantYAML,
			"parley.yaml:2: dashboard.websocket_heartbeat_seconds: is 0; it goes from 1 to 3600"},
		{"a bad origin", "websocket:\n  origins: [here]\n" + tenantYAML,
			`parley.yaml:1: websocket: origin "here" is not`},
		{"half of TLS", "tls:\n  key: k.pem\n" + tenantYAML, "parley.yaml:1: tls: certificate and key belong together"},
		{"no such certificate", "tls:\n  certificate: none.pem\n  key: none.pem\n" + tenantYAML,
			"parley.yaml:2: tls.certificate: cannot be used with tls.key: no such file"},
		{"ACME without cache", "tls: {acme: {domains: [a.example]}}\n" + tenantYAML, "tls.acme.cache: is missing"},
		{"no tenant", "drain: 1s\n", "parley.yaml: tenants: none; name at least one"},
		{"a tenant without name", "tenants:\n  - api_keys: []\n", "parley.yaml:2: tenants[0].name: the name is empty"},
		{"a short API key", "tenants:\n  - name: a\n    api_keys:\n      - ok-ok-ok-ok-ok-ok-ok\n      - short\n",
			"parley.yaml:5: tenants[0].api_keys[1]: is too short"},
		{"a key without source", "tenants:\n  - name: a\n    keys:\n      - alg: HS256\n",
			"parley.yaml:4: tenants[0].keys[0]: needs exactly one of secret"},
		{"a weak secret", "tenants:\n  - name: a\n    keys:\n      - secret: short\n",
			"parley.yaml:4: tenants[0].keys[0]: has a secret of 5 bytes"},
		{"no such key file", "tenants:\n  - name: a\n    keys:\n      - public_key_file: none.pem\n",
			"parley.yaml:4: tenants[0].keys[0]: its file no such file or directory"},
		{"a bad pattern", "tenants:\n  - name: a\n    topics: ['a//b']\n", "parley.yaml:2: tenants[0]: topics: "},
		{"a long leeway", "tenants:\n  - name: a\n    leeway: 5m\n", "parley.yaml:2: tenants[0]: leeway is 5m0s"},
		{"one host twice", "tenants:\n  - {name: a, hosts: [x.example, X.example]}\n",
			"parley.yaml:2: tenants[0].hosts[1]: is there twice"},
		{"one key for two tenants of a host", "tenants:\n  - {name: a, hosts: [x], keys: [{secret: " + aSecret +
			"}]}\n  - {name: b, hosts: [X], keys: [{secret: " + aSecret + "}]}\n",
			`parley.yaml:1: tenants: tenant "b": has a key of tenant "a"`},
		{"a host without dialects", "hosts: [{name: x}]\n" + tenantYAML,
			"parley.yaml:1: hosts[0].dialects: is missing"},
		{"a host twice", "hosts: [{name: x, dialects: airlay}, {name: X, dialects: airlay}]\n" + tenantYAML,
			"hosts[1].name: is there twice"},
		{"an unknown dialect", "listeners: [{address: '127.0.0.1:0', dialects: [klingon]}]\n" + tenantYAML,
			"listeners[0].dialects[0]: must be one of dashboard, valtronics"},
		{"a dialect that is off", "notify: {enabled: false}\nhosts: [{name: x, dialects: [airlay, notify]}]\n" +
			tenantYAML, "parley.yaml:2: hosts[0].dialects[1]: notify is not enabled"},
		{"a listener without address", "listeners: [{tenant: acme}]\n" + tenantYAML,
			"listeners[0].address: must be host:port"},
		{"a listener of nobody", "listeners: [{address: ':0', tenant: nobody}]\n" + tenantYAML,
			"listeners[0].tenant: no tenant has this name"},
		{"a listener without certificate", "listeners: [{address: ':0', tls: true}]\n" + tenantYAML,
			"listeners[0].tls: needs the certificate"},
		{"a bad port of AirLay", "webSocketEvents: {port: 70000}\n" + tenantYAML,
			"parley.yaml:1: webSocketEvents.port: is 70000; it goes from 0 to 65535"},
		{"a bad prefix of authentik", "authentik: {path: auth}\n" + tenantYAML,
			`parley.yaml:1: authentik.path: is "auth"`},
		{"a bad default of the shared path", "shared: {default: notify}\n" + tenantYAML,
			"parley.yaml:1: shared.default: must be one of valtronics, airlay"},
		{"a short viewer key", "api: {viewer_key: short}\n" + tenantYAML,
			"parley.yaml:1: api.viewer_key: is too short"},
		{"one key for both", "api: {admin_key: a-key-of-16-bytes, viewer_key: a-key-of-16-bytes}\n" + tenantYAML,
			"parley.yaml:1: api.viewer_key: is the same as api.admin_key"},
		{"a short admin key", "api: {admin_key: short}\n" + tenantYAML, "parley.yaml:1: api.admin_key: is too short"},
		{"one name twice", "tenants:\n  - {name: a, hosts: [x]}\n  - {name: a, hosts: [y]}\n",
			"parley.yaml:3: tenants[1].name: another tenant has this name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := load(t, c.text)
			var lines []string
			for _, p := range l.Problems {
				lines = append(lines, p.String())
				if strings.ContainsAny(p.String(), "\n\r") {
					t.Errorf("more than one line: %q", p)
				}
			}
			all := strings.Join(lines, "\n")
			if !strings.Contains(all, c.want) {
				t.Errorf("want a problem %q, got\n%s", c.want, all)
			}
		})
	}
}

func TestLoad_AllProblemsComeInTheOrderOfTheFile(t *testing.T) {
	l := load(t, "drain: soon\nfed: true\nlog:\n  lvel: info\ntenants:\n  - name: 1\n    leeway: x\n")
	var got []string
	for _, p := range l.Problems {
		got = append(got, p.Key)
	}
	if want := "drain fed log.lvel tenants[0].name tenants[0].leeway"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if text := l.Problems.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "4 more") {
		t.Errorf("as one line: %q", text)
	}
}

func TestLoad_ProblemsNeverRepeatSecrets(t *testing.T) {
	const secret = "hunter2-hunter2"
	l := load(t, "tenants:\n  - name: a\n    api_keys: ["+secret+"]\n    keys:\n      - {secret: "+secret+
		", alg: RS256}\n      - {secret: ["+secret+"]}\n")
	if len(l.Problems) == 0 {
		t.Fatal("no problem found")
	}
	for _, p := range l.Problems {
		if strings.Contains(p.String(), "hunter2") {
			t.Errorf("the secret is in %q", p)
		}
	}
}

func TestLoad_EnvironmentProblemsNameTheVariable(t *testing.T) {
	l := load(t, tenantYAML, "PARLEY_DRAIN=soon", "PARLEY_LOG_LEVEL=loud", "PARLEY_LOG_FORMATS=json")
	if len(l.Problems) != 2 || !strings.HasPrefix(l.Problems[0].String(), "PARLEY_DRAIN: drain: must be a duration") ||
		l.Problems[1].String() != "PARLEY_LOG_LEVEL: log.level: must be one of debug, info, warn, error" {
		t.Errorf("got %v", l.Problems)
	}
	if len(l.Unknown) != 1 || l.Unknown[0] != "PARLEY_LOG_FORMATS (did you mean PARLEY_LOG_FORMAT?)" {
		t.Errorf("unknown: %v", l.Unknown)
	}
}
