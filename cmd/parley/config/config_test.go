package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/dashboard"
)

var update = flag.Bool("update", false, "write the golden file anew")

// tenantYAML is the least that a production configuration needs.
const tenantYAML = `
tenants:
  - name: acme
    api_keys: [0123456789abcdef0123]
    keys: [{alg: HS256, secret: 0123456789abcdef0123456789abcdef-not-a-secret}]
`

const aSecret = "0123456789abcdef0123456789abcdef-not-a-secret"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a file and names it parley.yaml in what is said of it.
func load(t *testing.T, text string, environ ...string) *Result {
	t.Helper()
	path := write(t, "parley.yaml", text)
	l := Load(Sources{Protocols: protocols.All, File: path, Environ: environ})
	for i := range l.Problems {
		l.Problems[i].Origin = strings.ReplaceAll(l.Problems[i].Origin, path, "parley.yaml")
	}
	return l
}

func mustLoad(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	l := load(t, text, environ...)
	if len(l.Problems) > 0 {
		t.Fatalf("problems: %v", l.Problems)
	}
	return &l.Config
}

// of is what a protocol obeys, by the type of its settings.
func of[C any](c *Config) C {
	for i := range c.Protocols {
		if settings, ok := any(c.Protocols[i].Settings).(*C); ok {
			return *settings
		}
	}
	panic("no such protocol")
}

// R001.7: the port is 8000 unless it is configured.
func TestLoad_DefaultsHoldWhereNothingIsSaid(t *testing.T) {
	c := mustLoad(t, tenantYAML)
	if c.Listen != "127.0.0.1:8000" || c.InternalListen != "127.0.0.1:8001" || c.Drain != 30*time.Second || c.Feed {
		t.Errorf("addresses, drain or feed: %q %q %s %v", c.Listen, c.InternalListen, c.Drain, c.Feed)
	}
	if d := of[dashboard.Config](c); !d.Enabled || d.HeartbeatSeconds != 30 { // R000.26, R000.27
		t.Errorf("dashboard: %+v", d)
	}
	if c.Engine.QueueBytes != 1<<20 || c.Engine.PingEvery != 25*time.Second {
		t.Errorf("engine: %+v", c.Engine)
	}
	if tenant := c.Tenants[0]; tenant.Leeway != 10*time.Second || len(tenant.UserClaim) != 1 ||
		tenant.UserClaim[0] != "sub" {
		t.Errorf("tenant: leeway %s, user claim %v", tenant.Leeway, tenant.UserClaim)
	}
}

// R000.26, R000.27, R000.28: the keys of the dashboard's document, in a file with a dashboard section.
func TestLoad_ExplicitFalseAndZeroInTheFileSurvive(t *testing.T) {
	c := mustLoad(t, "dashboard:\n  websocket_enabled: false\n  websocket_heartbeat_seconds: 7\ndrain: 0s\n"+
		"websocket: {compression: false}\n"+strings.Replace(tenantYAML, "name: acme", "name: acme\n    leeway: 0s", 1))
	d := of[dashboard.Config](c)
	if d.Enabled || d.HeartbeatSeconds != 7 || c.Drain != 0 || c.WebSocket.Compression || c.Tenants[0].Leeway != 0 {
		t.Errorf("enabled %v, heartbeat %d, drain %s, compression %v, leeway %s", d.Enabled, d.HeartbeatSeconds,
			c.Drain, c.WebSocket.Compression, c.Tenants[0].Leeway)
	}
}

// R004.5-7: the section of AirLay's document with its two settings, and the environment's names for them.
func TestLoad_AirLaysSectionIsThatOfItsDocument(t *testing.T) {
	c := mustLoad(t, "webSocketEvents:\n  address: 0.0.0.0\n  port: 8081\n"+tenantYAML)
	if got := of[airlay.Config](c).Listen(); got != "0.0.0.0:8081" {
		t.Errorf("AirLay listens on %q", got)
	}
	if listeners := c.AllListeners(); len(listeners) != 1 || listeners[0].Address != "0.0.0.0:8081" ||
		len(listeners[0].Dialects) != 1 || listeners[0].Dialects[0] != "airlay" {
		t.Errorf("listeners are %+v", listeners)
	}
	if c := mustLoad(t, tenantYAML, "PARLEY_AIRLAY_PORT=9",
		"PARLEY_AIRLAY_ADDRESS=127.0.0.1"); of[airlay.Config](c).Listen() != "127.0.0.1:9" {
		t.Errorf("by the environment it listens on %q", of[airlay.Config](c).Listen())
	}
	if c := mustLoad(t, "webSocketEvents: {port: 8081, enabled: false}\n"+tenantYAML); len(c.AllListeners()) != 0 ||
		c.Enabled("airlay") {
		t.Errorf("switched off it has listeners %+v", c.AllListeners())
	}
	if c := mustLoad(t, tenantYAML); len(c.AllListeners()) != 0 {
		t.Errorf("by default there are listeners %+v", c.AllListeners())
	}
}

func TestSharing_IsAboutHostsThatSeveralHave(t *testing.T) {
	got := Sharing([]Tenant{{Name: "a", Hosts: []string{"x", "y"}}, {Name: "b", Hosts: []string{"Y"}},
		{Name: "c", Hosts: []string{"z"}}, {Name: "d"}})
	if len(got) != 2 || !got["a"] || !got["b"] {
		t.Errorf("sharing are %v", got)
	}
	if got := Sharing([]Tenant{{Name: "a"}, {Name: "b", Hosts: []string{"x"}, Lobby: true}}); len(got) != 2 {
		t.Errorf("in the lobby, sharing are %v", got)
	}
}

// R001.7: the port, by every source.
func TestLoad_EnvironmentWinsOverFileAndFlagsOverBoth(t *testing.T) {
	path := write(t, "parley.yaml", "listen: 127.0.0.1:1\ndrain: 1s\ndashboard: {websocket_enabled: true}\n"+tenantYAML)
	l := Load(Sources{Protocols: protocols.All,
		File: path,
		Environ: []string{"PARLEY_LISTEN=127.0.0.1:2", "PARLEY_DRAIN=2s", "PARLEY_DASHBOARD_WEBSOCKET_ENABLED=false",
			"HOME=/", "PARLEY_LOG_LEVEL="},
		Flags: []Flag{{Name: "--listen", Key: "listen", Value: "127.0.0.1:3"}},
	})
	if len(l.Problems) > 0 {
		t.Fatal(l.Problems)
	}
	c := l.Config
	if c.Listen != "127.0.0.1:3" || c.Drain != 2*time.Second || of[dashboard.Config](&c).Enabled ||
		c.Log.Level != "info" {
		t.Errorf("listen %s, drain %s, dashboard %v, level %s", c.Listen, c.Drain, of[dashboard.Config](&c).Enabled,
			c.Log.Level)
	}
}

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

func TestLoad_MissingFileIsAProblemUnlessOptional(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if l := Load(Sources{Protocols: protocols.All, File: missing}); len(l.Problems) == 0 ||
		!strings.Contains(l.Problems[0].String(), "none.yaml: no such file") {
		t.Errorf("got %v", l.Problems)
	}
	if l := Load(Sources{Protocols: protocols.All, File: missing, Optional: true, Dev: true}); len(l.Problems) > 0 {
		t.Errorf("optional: %v", l.Problems)
	}
	if l := Load(Sources{Protocols: protocols.All,
		File: write(t, "big.yaml", strings.Repeat("# big\n", 300_000))}); len(l.Problems) == 0 {
		t.Error("a file of 1.8 MB was read")
	}
}

func TestDev_NeedsNothingAndStaysOnLoopback(t *testing.T) {
	l := Load(Sources{Protocols: protocols.All, Dev: true})
	if len(l.Problems) > 0 {
		t.Fatal(l.Problems)
	}
	c := l.Config
	if c.InternalListen != "" || c.Drain != 2*time.Second || !c.Feed || len(c.Tenants) != 1 ||
		c.Tenants[0].Name != "dev" {
		t.Errorf("%q %s %v %+v", c.InternalListen, c.Drain, c.Feed, c.Tenants)
	}
	for _, address := range []string{"0.0.0.0:8000", ":8000", "192.0.2.1:8000", "[::]:8000", "example.org:8000"} {
		if l := Load(Sources{Protocols: protocols.All, Dev: true,
			Environ: []string{"PARLEY_LISTEN=" + address}}); len(l.Problems) == 0 {
			t.Errorf("dev mode takes %s", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:8000", "[::1]:8000", "127.3.2.1:8000"} {
		if l := Load(Sources{Protocols: protocols.All, Dev: true,
			Environ: []string{"PARLEY_LISTEN=" + address}}); len(l.Problems) > 0 {
			t.Errorf("dev mode refuses %s: %v", address, l.Problems)
		}
	}
	withTenants := write(t, "parley.yaml", tenantYAML)
	if l := Load(Sources{Protocols: protocols.All, Dev: true, File: withTenants}); len(l.Problems) != 1 {
		t.Errorf("tenants of a file in dev mode: %v", l.Problems)
	}
}

// The table of all settings changes only on purpose: go test ./cmd/parley/config -update writes it anew.
func TestSettings_TableIsTheGoldenOne(t *testing.T) {
	var got bytes.Buffer
	if err := Print(&got, protocols.All); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "settings.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the settings changed; if that is meant, run go test ./cmd/parley/config -update and look at git diff")
		differ(t, string(want), got.String())
	}
}

// differ names the lines that only one of the two has.
func differ(t *testing.T, want, got string) {
	t.Helper()
	for line := range strings.Lines(want) {
		if !strings.Contains(got, line) {
			t.Logf("- %s", line)
		}
	}
	for line := range strings.Lines(got) {
		if !strings.Contains(want, line) {
			t.Logf("+ %s", line)
		}
	}
}

func TestSettings_EachHasAMeaningAndItsOwnNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range (&Config{Protocols: protocolsOf(protocols.All)}).Settings() {
		if s.Help == "" {
			t.Errorf("%s has no line of meaning", s.Key)
		}
		if seen[s.Key] || s.Env != "" && seen[s.Env] {
			t.Errorf("%s (%s) is there twice", s.Key, s.Env)
		}
		seen[s.Key], seen[s.Env] = true, true
	}
	for _, must := range []string{"dashboard.websocket_enabled", "dashboard.websocket_heartbeat_seconds",
		"PARLEY_LISTEN", "PARLEY_LOG_FORMAT", "PARLEY_LOG_LEVEL", "PARLEY_DRAIN"} {
		if !seen[must] {
			t.Errorf("%s is missing", must)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, text := range []string{tenantYAML, "a: &x [*x]\n", "? [a]\n: b\n", "- 1\n", "tenants: [{}]\n", "'': ''\n",
		"listen: !!int 1\n", "<<: {a: b}\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := Config{Protocols: protocolsOf(protocols.All)}
		doc := document{file: "f.yaml", lines: map[string]int{}}
		doc.read([]byte(text), &c)
		for _, p := range doc.problems {
			if strings.ContainsRune(p.String(), '\n') {
				t.Errorf("%q makes a problem of two lines: %q", text, p)
			}
		}
	})
}
