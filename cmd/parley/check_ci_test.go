package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// short is how continuous integration names the scenarios that it runs at a small size.
var short = regexp.MustCompile(`make faults FAULTS=short ARGS='-run ([a-z,]+)'`)

// F47: what shows a check alone runs with each push, and so does what cuts a damaged log.
func TestChecks_AScenarioThatAloneShowsOneRunsInContinuousIntegration(t *testing.T) {
	named := short.FindStringSubmatch(text(t, ".ci/run"))
	if named == nil {
		t.Fatal(".ci/run runs no scenarios")
	}
	runs := strings.Split(named[1], ",")
	shown := map[int][]string{}
	for _, e := range everyEvidence(t) {
		shown[e.check] = append(shown[e.check], e.where)
	}
	wanted := []string{"torn"}
	for _, where := range shown {
		if len(where) == 1 && isScenario(where[0]) {
			wanted = append(wanted, strings.TrimPrefix(where[0], scenario))
		}
	}
	if len(wanted) < 5 {
		t.Errorf("only %q show a check alone: the table was not read", wanted)
	}
	for _, name := range wanted {
		if !slices.Contains(runs, name) {
			t.Errorf("the scenario %s is not among those that .ci/run runs", name)
		}
	}
}
