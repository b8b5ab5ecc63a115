package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// comments are those of this package's functions, by name.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				found[f.Name.Name] = f.Doc.Text()
			}
		}
	}
	return found
}

var mark = regexp.MustCompile(`\bcheck (\d+)\b`)

func TestScenarios_EachIsCalledAsItsFunctionAndNamesItsChecksThere(t *testing.T) {
	found := comments(t)
	for _, s := range scenarios {
		var named []int
		for _, m := range mark.FindAllStringSubmatch(found[s.name], -1) {
			n, _ := strconv.Atoi(m[1])
			named = append(named, n)
		}
		slices.Sort(named)
		if !slices.Equal(named, s.checks) {
			t.Errorf("the comment of %s names the checks %v, the list %v", s.name, named, s.checks)
		}
		delete(found, s.name)
	}
	for name, comment := range found {
		if mark.MatchString(comment) {
			t.Errorf("%s names a check and is no scenario", name)
		}
	}
}

// Else one scenario would write over what another one found out.
func TestScenarios_ACheckBelongsToOneScenario(t *testing.T) {
	of := map[int]string{}
	for _, s := range scenarios {
		for _, check := range s.checks {
			if other, taken := of[check]; taken {
				t.Errorf("check %d belongs to %s and to %s", check, other, s.name)
			}
			of[check] = s.name
		}
	}
}

func TestChoose_FindsScenariosByTheirNames(t *testing.T) {
	if all, err := choose("", false); err != nil || len(all) != len(scenarios) {
		t.Errorf("no name gave %d scenarios, %v", len(all), err)
	}
	if most, err := choose("", true); err != nil || len(most) >= len(scenarios) ||
		slices.ContainsFunc(most, func(s entry) bool { return s.long }) {
		t.Errorf("a short run has %d scenarios, %v", len(most), err)
	}
	if two, err := choose("slow,soak", true); err != nil || len(two) != 2 || two[0].name != "slow" ||
		two[1].name != "soak" {
		t.Errorf("two names gave %v, %v", two, err)
	}
	if _, err := choose("kill,quake", false); err == nil {
		t.Error("an unknown name gave no error")
	}
}

// F48: nor is a run that went on for a time of one's own.
func TestParse_OnlyWhatHasItsFullSizeIsRecorded(t *testing.T) {
	t.Setenv("PARLEY_CHECKS", "")
	server := []string{"-binary", os.Args[0]}
	for _, args := range [][]string{{"-short", "-record"}, {"-record"}, {"-short", "-run", "kill", "-record"},
		{"-full", "-for", "1s", "-record"}, {"-run", "soak", "-for", "1h", "-record"}} {
		if _, err := parse(append(args, server...)); err == nil {
			t.Errorf("%v may be recorded", args)
		}
	}
	for _, args := range [][]string{{"-full", "-record"}, {"-run", "kill", "-record"}} {
		if set, err := parse(append(args, server...)); err != nil || set.Brief || set.Short {
			t.Errorf("%v: %+v, %v", args, set.Options, err)
		}
	}
	if set, err := parse(server); err != nil || !set.Brief {
		t.Errorf("nothing said: %+v, %v", set.Options, err)
	}
	t.Setenv("PARLEY_CHECKS", "full")
	if set, err := parse(server); err != nil || set.Brief {
		t.Errorf("all checks in full: %+v, %v", set.Options, err)
	}
	if _, err := parse([]string{"-binary", "no/such/server"}); err == nil {
		t.Error("a server that is not there is no error")
	}
}
