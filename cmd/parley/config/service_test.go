package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol/airlay"
)

// servicesOf are the variables that Kubernetes gives to containers for a Service with two ports.
func servicesOf(name string) []string {
	var all []string
	for line := range strings.Lines(`
S_SERVICE_HOST=10.43.0.17
S_SERVICE_PORT=8000
S_SERVICE_PORT_HTTP=8000
S_SERVICE_PORT_HTTP_METRICS=8001
S_PORT=tcp://10.43.0.17:8000
S_PORT_8000_TCP=tcp://10.43.0.17:8000
S_PORT_8000_TCP_PROTO=tcp
S_PORT_8000_TCP_PORT=8000
S_PORT_8000_TCP_ADDR=10.43.0.17
S_PORT_53_UDP=udp://[fd00::17]:53
S_PORT_53_UDP_PROTO=udp
S_PORT_53_UDP_PORT=53
S_PORT_53_UDP_ADDR=fd00::17
`) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, name+line[1:])
		}
	}
	return all
}

// F11: what Kubernetes says of Services whose names begin with parley is passed over in silence, also where a setting
// has the name.
func TestLoad_VariablesOfServicesArePassedOver(t *testing.T) {
	for _, name := range []string{"PARLEY", "PARLEY_AIRLAY", "PARLEY_API", "PARLEY_WEBSOCKET", "PARLEY_REDIS_MASTER",
		"PARLEY_2"} {
		want := Load(Sources{Protocols: protocols.All, Dev: true})
		got := Load(Sources{Protocols: protocols.All, Dev: true, Environ: servicesOf(name)})
		if len(got.Problems) > 0 || len(got.Unknown) > 0 ||
			of[airlay.Config](&got.Config) != of[airlay.Config](&want.Config) {
			t.Errorf("%s: %v %v", name, got.Problems, got.Unknown)
		}
	}
}

// F11: beside them a setting counts, a wrong value is a problem, and a name that is no setting is warned about.
func TestLoad_BesideServicesSettingsCountAndTyposAreNamed(t *testing.T) {
	l := Load(Sources{Protocols: protocols.All, Dev: true,
		Environ: append(servicesOf("PARLEY"), "PARLEY_AIRLAY_PORT=8081", "PARLEY_AIRLAY_ADDRESS=127.0.0.1",
			"PARLEY_LOG_LEVEL=warn")})
	if len(l.Problems) > 0 || len(l.Unknown) > 0 || of[airlay.Config](&l.Config).Port != 8081 ||
		l.Config.Log.Level != "warn" {
		t.Errorf("%v %v: port %d", l.Problems, l.Unknown, of[airlay.Config](&l.Config).Port)
	}
	for _, wrong := range []string{"many", "8081x", "http://10.0.0.1:8081", "tcp://10.0.0.1"} {
		if l := Load(Sources{Protocols: protocols.All, Dev: true,
			Environ: []string{"PARLEY_AIRLAY_PORT=" + wrong}}); len(l.Problems) != 1 {
			t.Errorf("PARLEY_AIRLAY_PORT=%s: %v", wrong, l.Problems)
		}
	}
	for _, typo := range []string{"PARLEY_AIRLY_PORT=8081", "PARLEY_LISTEM=127.0.0.1:1", "PARLEY_SERVICE_HOST=parley",
		"PARLEY_SERVICE_PORT=http",
		"PARLEY_PORT=8000", "PARLEY_PORT_8000_TCP_PROTO=quic", "PARLEY_PORT_X_TCP=tcp://10.0.0.1:1"} {
		name, _, _ := strings.Cut(typo, "=")
		l := Load(Sources{Protocols: protocols.All, Dev: true, Environ: []string{typo}})
		if !slices.ContainsFunc(l.Unknown, func(told string) bool { return strings.HasPrefix(told, name) }) {
			t.Errorf("%s is not warned about: %v %v", typo, l.Unknown, l.Problems)
		}
	}
}
