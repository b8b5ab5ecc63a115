package config

import (
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/dialecttest/tally"
)

// rival is a protocol that answers where tally does.
type rival struct{ *tally.Config }

// Dialects implements protocol.Settings.
func (r rival) Dialects() []protocol.Dialect {
	return []protocol.Dialect{rivalDialect{r.Config.Dialects()[0]}}
}

type rivalDialect struct{ protocol.Dialect }

// Name implements protocol.Dialect.
func (rivalDialect) Name() string { return "rival" }

// Two protocols may want one path only if a first frame can decide, as on /ws.
func TestCheck_TwoProtocolsThatWantOnePathAreNamed(t *testing.T) {
	second := tally.Registration
	second.Name, second.Section, second.Env = "Rival", "rival", "RIVAL_"
	second.Defaults = func() protocol.Settings { c := tally.DefaultConfig(); return &rival{&c} }
	second.Dialects = []protocol.Description{{Name: "rival"}}
	list := []protocol.Registration{tally.Registration, second}
	l := Load(Sources{Protocols: list, Dev: true})
	if want := "rival: wants the path /tally, and so does Tally; only one of them can have it"; len(l.Problems) != 1 ||
		!strings.Contains(l.Problems[0].String(), want) {
		t.Errorf("got %v, want %s", l.Problems, want)
	}
	if l = Load(Sources{Protocols: list, Dev: true,
		Environ: []string{"PARLEY_TALLY_ENABLED=false"}}); len(l.Problems) > 0 {
		t.Errorf("with one of them switched off: %v", l.Problems)
	}
	if l = Load(Sources{Protocols: protocols.All, Dev: true}); len(l.Problems) > 0 {
		t.Errorf("those that are spoken: %v", l.Problems)
	}
}

// reliability.md check 56: all that is wrong with one protocol is said in one go, each with its own line.
func TestCheck_SaysAllThatIsWrongWithAProtocol(t *testing.T) {
	l := load(t, "valtronics:\n  connections: -1\n  batch_items: 0\n  login_timeout: 9h\n"+tenantYAML)
	var got []string
	for _, p := range l.Problems {
		got = append(got, p.String())
	}
	want := []string{
		"parley.yaml:2: valtronics.connections: must not be negative",
		"parley.yaml:3: valtronics.batch_items: is 0; it goes from 1 to 1000",
		"parley.yaml:4: valtronics.login_timeout: is 9h0m0s; it goes from 1s to 1h0m0s",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a protocol obeys by default and what its table of settings says are the same.
func TestProtocols_DefaultsAreThoseOfTheirTags(t *testing.T) {
	for _, p := range protocolsOf(protocols.All) {
		dialecttest.CheckDefaults(t, p.Settings)
	}
}
