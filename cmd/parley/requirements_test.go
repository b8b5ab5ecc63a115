package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated documents anew")

// requirements are how many numbered requirements each document has: the first has number 1.
var requirements = map[string]int{"R000": 35, "R001": 87, "R002": 27, "R003": 32, "R004": 42,
	"CFG": 42, "PSH": 65}

// unassigned are numbers below those that stand for no requirement.
var unassigned = map[string][]int{
	"PSH": {15, 16, 17, 18, 19, 24, 25, 26, 27, 28, 29, 38, 39, 46, 47, 48, 49, 53, 54, 55, 56, 57, 58, 59},
}

// unmet are the requirements that nothing meets yet, and what holds in their place.
var unmet = map[string]string{
	"PSH.44": "A watchlist is not read: a client hears nothing of the users on it.",
	"PSH.51": "subscription_count is told by the HTTP API alone.",
	"PSH.52": "Backends hear of connections by tenants[].lifecycle, in a form of its own.",
	"PSH.65": "The path is /app/{key}; a proxy may put another in front of it.",
}

// number matches a requirement, or a range of them, in a comment or a name.
var number = regexp.MustCompile(`\b(R00[0-4]|CFG|PSH)\.(\d+)(?:-(\d+))?\b`)

// proof is a test that proves a requirement, by its number.
type proof struct {
	document   string
	number     int
	test, file string
}

func (p proof) requirement() string { return fmt.Sprintf("%s.%d", p.document, p.number) }

// proofs are those that a text names.
func proofs(text, test, file string) (all []proof) {
	for _, found := range number.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(found[2])
		last, err := strconv.Atoi(found[3])
		if err != nil {
			last = first
		}
		for n := first; n <= last; n++ {
			all = append(all, proof{found[1], n, test, file})
		}
	}
	return all
}

// ofTests reads the tests of a Go file.
func ofTests(t *testing.T, path, file string) (all []proof) {
	t.Helper()
	eachTest(t, path, func(test, text string) { all = append(all, proofs(text, test, file)...) })
	return all
}

// eachTest gives the name of each test of a Go file, and that with the comments above and inside of it. Those anywhere
// else prove nothing.
func eachTest(t *testing.T, path string, do func(test, text string)) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range parsed.Decls {
		test, ok := declared.(*ast.FuncDecl)
		if !ok || test.Recv != nil || !isTest(test.Name.Name) {
			continue
		}
		do(test.Name.Name, strings.ReplaceAll(test.Name.Name, "_", ".")+"\n"+comments(parsed, test))
	}
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Fuzz", "Example"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// ofComments reads the lines of a transcript or a script that begin with #.
func ofComments(t *testing.T, path, test, file string) (all []proof) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			all = append(all, proofs(line, test, file)...)
		}
	}
	return all
}

// walkHouse calls do for every file of the house, with where it is and its name from the house's door.
func walkHouse(t *testing.T, do func(path, file string)) {
	t.Helper()
	err := filepath.WalkDir(house, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := filepath.Rel(house, path)
		if err == nil {
			do(path, filepath.ToSlash(file))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// everyProof goes through the house.
func everyProof(t *testing.T) []proof {
	t.Helper()
	var all []proof
	walkHouse(t, func(path, file string) {
		switch {
		case strings.HasPrefix(file, ".git/"):
		case strings.HasSuffix(file, "_test.go"):
			all = append(all, ofTests(t, path, file)...)
		case strings.Contains(file, "/transcripts/") && strings.HasSuffix(file, ".txt"):
			all = append(all, ofComments(t, path, "transcript "+strings.TrimSuffix(filepath.Base(file), ".txt"),
				file)...)
		case strings.HasPrefix(file, ".ci/"):
			all = append(all, ofComments(t, path, "continuous integration", file)...)
		}
	})
	slices.SortFunc(all, func(a, b proof) int {
		if a.document != b.document {
			return strings.Compare(a.document, b.document)
		}
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.file+a.test, b.file+b.test)
	})
	return slices.Compact(all)
}

// deliberate are the requirements that are not met to the letter, and why. A test shows what holds in their place.
var deliberate = map[string]string{
	"R001.44": "A client that is cut off for its own fault gets 1008, one whose server restarts 1012, and after a " +
		"fault of ours " +
		"1011, so that it can tell them from 1000 and 1001.",
	"R002.11": "The newest connection of a user does not take the place of older ones: all of them live and hear the " +
		"same, so " +
		"that no tab goes deaf. A page cannot tell the difference.",
	"CFG.1":  "Protobuf is refused with HTTP 400.",
	"CFG.7":  "The reply to a connect has no data, session, node or time.",
	"CFG.17": "A publication has no epoch, info, tags or time.",
	"CFG.24": "What a client missed follows the reply to its subscribe as ordinary publications; it is not in it.",
	"CFG.41": "Deltas are not made: publications are whole.",
	"R002.27": "Only the first malformed frame of a connection is a warning, without what was in it: it may be a " +
		"secret, and " +
		"a client must not be able to fill the log.",
}

// absent are the requirements of Centrifugo's protocol that are not met: what is served beside WebSocket.
var absent = []string{"CFG.36", "CFG.37", "CFG.38", "CFG.39", "CFG.40"}

// differences is the second part of protocol/REQUIREMENTS.md.
func differences() string {
	var table strings.Builder
	table.WriteString("\n# Deliberate differences\n\nWhere a document is not followed to the letter, and why. The " +
		"tests above show what holds instead.\n\n" +
		"| Number | What holds instead |\n|---|---|\n")
	for _, number := range slices.Sorted(maps.Keys(deliberate)) {
		fmt.Fprintf(&table, "| %s | %s |\n", number, deliberate[number])
	}
	fmt.Fprintf(&table, "\nNot there, since it is about more than WebSocket: %s.\n", strings.Join(absent, ", "))
	table.WriteString("\n# Not met yet\n\n| Number | What holds instead |\n|---|---|\n")
	for _, number := range slices.Sorted(maps.Keys(unmet)) {
		fmt.Fprintf(&table, "| %s | %s |\n", number, unmet[number])
	}
	return table.String()
}

// Every numbered requirement has a test that carries its number. protocol/REQUIREMENTS.md lists them:
// go test ./cmd/parley -run Requirements -update writes it anew.
func TestRequirements_EachHasATestThatCarriesItsNumber(t *testing.T) {
	all := everyProof(t)
	proven := map[string]bool{}
	var table strings.Builder
	table.WriteString("# The requirements and their tests\n\nGenerated: `go test ./cmd/parley -run Requirements " +
		"-update` writes this file, and the test fails if it is not up to date or a\n" +
		"number is missing. A transcript is played against the dialect alone and through a whole " +
		"node.\n\n| Number | Test | File |\n|---|---|---|\n")
	for _, p := range all {
		if p.number < 1 || p.number > requirements[p.document] {
			t.Errorf("%s in %s of %s does not exist", p.requirement(), p.test, p.file)
		}
		proven[p.requirement()] = true
		shown := p.requirement()
		if deliberate[shown] != "" {
			shown += " (differs, see below)"
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", shown, p.test, p.file)
	}
	for document, count := range requirements {
		for n := 1; n <= count; n++ {
			name := fmt.Sprintf("%s.%d", document, n)
			open := slices.Contains(absent, name) || slices.Contains(unassigned[document], n) || unmet[name] != ""
			if proven[name] == open {
				t.Errorf("%s has no test that carries its number, or is said to be absent and has one", name)
			}
		}
	}
	for number := range deliberate {
		if !proven[number] {
			t.Errorf("%s differs on purpose, and no test shows what holds instead", number)
		}
	}
	golden(t, filepath.Join(house, "protocol", "REQUIREMENTS.md"), table.String()+differences())
}

// golden holds a generated document against its file, or writes it.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not up to date: go test ./cmd/parley -update writes it anew", path)
	}
}
