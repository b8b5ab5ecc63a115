package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/bench/report"
	"github.com/parley-realtime/parley/bench/run"
	"github.com/parley-realtime/parley/bench/target"
)

func TestCases_AreWholeAndPeersTakePartWhereGoalsAskForThem(t *testing.T) {
	peers, err := target.Folder("../peers")
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		c := &cases[i]
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		if why := c.Excluded(peers[0]); peers[0].Name != report.Subject || why != "" {
			t.Errorf("%s takes no part in %s: %s", peers[0].Name, c.Name, why)
		}
	}
	for _, g := range goals {
		i := slices.IndexFunc(cases, func(c run.Case) bool { return c.Name == g.Case })
		if i < 0 || !slices.Contains(cases[i].Shows, g.Figure) {
			t.Errorf("no case measures %+v", g)
			continue
		}
		for _, p := range peers {
			if why := cases[i].Excluded(p); p.Name == g.Against && (why != "" || !p.TakesPart(g.Case)) {
				t.Errorf("%s takes no part in %s: %s", p.Name, g.Case, why)
			}
		}
	}
	for _, p := range peers {
		for _, name := range slices.Concat(p.Only, slices.Collect(maps.Keys(p.Cases))) {
			if !slices.ContainsFunc(cases, func(c run.Case) bool { return c.Name == name }) {
				t.Errorf("%s speaks of a case %s", p.Name, name)
			}
		}
	}
}

func TestPlan_PicksWhatIsNamed(t *testing.T) {
	m, err := plan(options{cases: "idle,fan-1000", peers: "floor,parley", rounds: 3, words: "../peers"})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.cases) != 2 || m.cases[0].Name != "fan-1000" || len(m.targets) != 2 || m.targets[0].Name != "parley" ||
		m.rounds != 3 {
		t.Errorf("got %+v", m)
	}
	if len(m.goals()) == 0 || slices.ContainsFunc(m.goals(),
		func(g report.Goal) bool { return g.Case == "full-1000" }) {
		t.Errorf("goals %+v", m.goals())
	}
	if m.cases[1].Without["floor"] != "" || cases[0].Name != "fan-1000" {
		t.Error("a peer that was named is left out for time")
	}
	quick, err := plan(options{rounds: 5, quick: true, words: "../peers"})
	if err != nil || quick.rounds != 1 || quick.cases[0].For >= cases[0].For {
		t.Errorf("got %+v, %v", quick, err)
	}
}

func TestPlan_NamesThatAreNotThereAreRefused(t *testing.T) {
	for want, o := range map[string]options{
		"there is no case fan-1; there are fan-1000": {cases: "idle,fan-1"},
		"there is no peer x; there are parley":       {peers: "x"},
		"no peers in nowhere":                        {words: "nowhere"},
	} {
		if o.words == "" {
			o.words = "../peers"
		}
		if _, err := plan(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", want, err)
		}
	}
}

func TestFits_SaysWhichLimitIsTooLow(t *testing.T) {
	m := &suite{cases: cases}
	if err := m.checkLimit(20000); err != nil {
		t.Error(err)
	}
	if err := m.checkLimit(1024); err == nil ||
		!strings.Contains(err.Error(), "idle needs 15200 file descriptors and the limit is 1024: ulimit -n 15200") {
		t.Errorf("got %v", err)
	}
}

func TestReady_SaysWhyAPeerIsLeftOut(t *testing.T) {
	t.Chdir(t.TempDir())
	done := map[string]error{}
	for want, p := range map[string]*target.Target{
		"":                                       {Name: "a", Prepare: [][]string{{"true"}}},
		"PEER_NONE is not set":                   {Name: "b", Needs: "PEER_NONE"},
		"false: exit status 1 (bin/bench/c.log)": {Name: "c", Prepare: [][]string{{"true"}, {"false"}}},
	} {
		if got := ready(t.Context(), p, done); got != want {
			t.Errorf("%s: got %q", p.Name, got)
		}
	}
	if len(done) != 2 {
		t.Errorf("what peers share was done more than once: %v", done)
	}
}
