package config

import (
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
	if d := of[dashboard.Config](c); !d.Enabled || d.Heartbeat != 30 { // R000.26, R000.27
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
	if d.Enabled || d.Heartbeat != 7 || c.Drain != 0 || c.WebSocket.Compression || c.Tenants[0].Leeway != 0 {
		t.Errorf("enabled %v, heartbeat %d, drain %s, compression %v, leeway %s", d.Enabled, d.Heartbeat,
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
	if got := Sharing([]Tenant{{Name: "a"}, {Name: "b", Hosts: []string{"x"}, AllowUnresolved: true}}); len(got) != 2 {
		t.Errorf("with an unresolved tenant, sharing are %v", got)
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
