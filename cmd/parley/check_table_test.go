package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// untested are the acceptance checks that have no test and no scenario yet. It may only shrink.
var untested = []int{51, 52, 53}

// checkMark is how a test says which acceptance check it shows.
var checkMark = regexp.MustCompile(`\bcheck (\d+)\b`)

// evidence is a test or a scenario that shows an acceptance check.
type evidence struct {
	check int
	where string // the package and the test, or the scenario
}

// marks are the checks that a text names.
func marks(text, where string) (all []evidence) {
	for _, found := range checkMark.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(found[1])
		all = append(all, evidence{n, where})
	}
	return all
}

// declared reads the comments of what a Go file declares: those above and inside of tests, or all that stand above
// something.
func declared(t *testing.T, name, file string, tests bool) (all []evidence) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			switch {
			case tests && d.Recv == nil && isTest(d.Name.Name):
				where := "`" + path.Dir(file) + "` " + d.Name.Name
				if isScaled(d) {
					where += smaller
				}
				all = append(all, marks(comments(parsed, d), where)...)
			case !tests:
				all = append(all, marks(d.Doc.Text(), scenario+d.Name.Name)...)
			}
		case *ast.GenDecl:
			if value, ok := first(d).(*ast.ValueSpec); ok && !tests {
				all = append(all, marks(d.Doc.Text(), scenario+value.Names[0].Name)...)
			}
		}
	}
	return all
}

// smaller marks a test that is smaller in each run than with PARLEY_CHECKS=full.
const smaller = " (smaller)"

// isScaled reports whether a test has two sizes: it asks one of the functions that tell them apart.
func isScaled(test *ast.FuncDecl) (scaled bool) {
	ast.Inspect(test, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.Ident); ok && slices.Contains([]string{"scale", "sized", "full"}, f.Name) {
				scaled = true
			}
		}
		return !scaled
	})
	return scaled
}

// comments are those above and inside of a function.
func comments(parsed *ast.File, f *ast.FuncDecl) string {
	begin := f.Pos()
	if f.Doc != nil {
		begin = f.Doc.Pos()
	}
	var text strings.Builder
	for _, c := range parsed.Comments {
		if c.Pos() >= begin && c.End() <= f.End() {
			text.WriteString(c.Text() + "\n")
		}
	}
	return text.String()
}

func first(d *ast.GenDecl) ast.Spec {
	if len(d.Specs) == 0 {
		return nil
	}
	return d.Specs[0]
}

// everyEvidence goes through the house.
func everyEvidence(t *testing.T) (all []evidence) {
	t.Helper()
	walkHouse(t, func(name, file string) {
		switch {
		case strings.HasPrefix(file, ".git/"):
		case strings.HasPrefix(file, ".ci/"):
			for _, p := range ofLines(t, name) {
				all = append(all, marks(p, "continuous integration")...)
			}
		case strings.HasSuffix(file, "_test.go"):
			all = append(all, declared(t, name, file, true)...)
		case strings.HasPrefix(file, "bench/faults/") && strings.HasSuffix(file, ".go"):
			all = append(all, declared(t, name, file, false)...)
		}
	})
	slices.SortFunc(all, func(a, b evidence) int {
		if a.check != b.check {
			return a.check - b.check
		}
		return strings.Compare(a.where, b.where)
	})
	return slices.Compact(all)
}

// ofLines are the lines of a script that are comments.
func ofLines(t *testing.T, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// measured is what a run of a check gave. bench/faults.json holds them by number; the fault harness and people write
// it.
type measured struct {
	Figure string `json:"figure"`
	Date   string `json:"date"`   // 2026-01-31
	Commit string `json:"commit"` // of the server, 12 digits; "" before they were noted
	Result string `json:"result"` // "passes", or "fails: " and why
}

var (
	date     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	commit12 = regexp.MustCompile(`^([0-9a-f]{12})?$`)
	result   = regexp.MustCompile(`^(passes|fails: .+)$`)
)

func figures(t *testing.T) map[string]measured {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text(t, "bench/faults.json")))
	decoder.DisallowUnknownFields()
	found := map[string]measured{}
	if err := decoder.Decode(&found); err != nil {
		t.Fatal(err)
	}
	for number, m := range found {
		if n, err := strconv.Atoi(number); err != nil || n < 1 || n >= len(acceptance) {
			t.Errorf("bench/faults.json: there is no check %s", number)
		}
		if !date.MatchString(m.Date) || !commit12.MatchString(m.Commit) || !result.MatchString(m.Result) ||
			m.Figure == "" || strings.ContainsAny(m.Figure+m.Result, "|\n") {
			t.Errorf("bench/faults.json: %s has no figure, date, commit or result that a table can show: %+v", number,
				m)
		}
	}
	return found
}

// isScenario reports whether evidence is a scenario, which somebody has to start, and no test.
func isScenario(where string) bool { return strings.HasPrefix(where, scenario) }

// scenario stands in front of the name of a scenario.
const scenario = "`make faults` "

// row is a check's line of the table.
func row(n int, where []string, m measured, isMeasured bool) string {
	how, figure, when, at := strings.Join(where, "<br>"), "passes", "each run", "-"
	if isMeasured {
		figure, when, at = m.Figure, m.Date, m.Commit
		if at == "" {
			at = "before commits were noted"
		}
		if m.Result != "passes" {
			figure = "**" + m.Result + "** " + figure
		}
	}
	switch {
	case len(where) == 0:
		how, figure, when, at = "no test yet", "-", "-", "-"
	case isMeasured:
	case slices.ContainsFunc(where, isScenario):
		figure, when = "scenario not measured yet", "-"
	case !slices.ContainsFunc(where, func(w string) bool { return !strings.HasSuffix(w, smaller) }):
		figure, when = "passes at the smaller size", "each run"
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s |\n", n, acceptance[n], how, figure, when, at)
}

// Every acceptance check has a test or a scenario that carries its number. bench/FAULTS.md lists them with what was
// measured: go test ./cmd/parley -run Checks -update writes it anew.
func TestChecks_EachHasATestThatCarriesItsNumber(t *testing.T) {
	shown := map[int][]string{}
	for _, e := range everyEvidence(t) {
		if e.check < 1 || e.check >= len(acceptance) {
			t.Errorf("check %d in %s does not exist", e.check, e.where)
		}
		shown[e.check] = append(shown[e.check], e.where)
	}
	measurements := figures(t)
	var table strings.Builder
	table.WriteString("# The acceptance checks and their tests\n\nGenerated: `go test ./cmd/parley -run Checks " +
		"-update` writes this file from the tests that name a check and from the\n" +
		"figures in bench/faults.json, and the test fails if it is not up to date or a check has no test. A test " +
		"marked" + smaller + " is\n" +
		"smaller in each run than its check says, and has the size of the check with `PARLEY_CHECKS=full`; `make " +
		"faults` runs the\n" +
		"scenarios. A figure holds for the commit beside it, at full size: `git diff --stat COMMIT -- actors cmd " +
		"protocol transport`\n" +
		"shows what has changed since. Those from before commits were noted are older than the code that they stand " +
		"for.\n\n" +
		"| Number | What | How it is tested | Figure | Date | Commit |\n|---|---|---|---|---|---|\n")
	for n := 1; n < len(acceptance); n++ {
		m, isMeasured := measurements[strconv.Itoa(n)]
		switch missing := slices.Contains(untested, n); {
		case len(shown[n]) == 0 && !missing:
			t.Errorf("check %d has no test that carries its number", n)
		case len(shown[n]) > 0 && missing:
			t.Errorf("check %d has a test; take it off the list of those that have none", n)
		case len(shown[n]) == 0 && isMeasured:
			t.Errorf("check %d has a figure and no test", n)
		}
		table.WriteString(row(n, shown[n], m, isMeasured))
	}
	golden(t, filepath.Join(house, "bench", "FAULTS.md"), table.String()+faultTable(t))
}

// A check that fails must be read as one that fails. F48: a row says at which commit, and whether each run is smaller.
func TestChecks_ARowSaysWhatIsWrong(t *testing.T) {
	where, small := []string{"`a` TestB", "`make faults` c"}, []string{"`a` TestB" + smaller}
	begin := "| 1 | " + acceptance[1] + " | "
	for want, got := range map[string]string{
		"no test yet | - | - | - |": row(1, nil, measured{},
			false),
		"`a` TestB | passes | each run | - |": row(1, where[:1],
			measured{}, false),
		"`a` TestB (smaller) | passes at the smaller size | each run | - |": row(1, small,
			measured{}, false),
		"`make faults` c | scenario not measured yet | - | - |": row(1, where[1:],
			measured{}, false),
		"`a` TestB<br>`make faults` c | 3 ms | 2026-01-31 | 0123456789ab |": row(1, where,
			measured{"3 ms", "2026-01-31", "0123456789ab", "passes"}, true),
		"`a` TestB<br>`make faults` c | 3 ms | 2026-01-31 | before commits were noted |": row(1, where,
			measured{"3 ms", "2026-01-31", "", "passes"}, true),
		"`a` TestB<br>`make faults` c | **fails: too slow** 3 s | 2026-01-31 | 0123456789ab |": row(1, where,
			measured{"3 s", "2026-01-31", "0123456789ab", "fails: too slow"}, true),
	} {
		if want = begin + want + "\n"; got != want {
			t.Errorf("the row is %q, want %q", got, want)
		}
	}
}

// F48: a test that has two sizes says so, and one that has not does not.
func TestChecks_ATestWithTwoSizesIsMarked(t *testing.T) {
	shown := map[string]bool{}
	for _, e := range everyEvidence(t) {
		shown[e.where] = true
	}
	for _, where := range []string{
		"`actors` TestOrder_AThousandSubscribersHearAllEventsInOrderOnce" + smaller,
		"`actors` TestLimits_SubscriptionsOfAConnection" + smaller,
		"`cmd/parley` TestTenants_NothingCrossesOver" + smaller,
		"`transport/api` TestHandler_PublicAndInternalRoutesAreApart",
	} {
		if !shown[where] {
			t.Errorf("no check is shown by %s", where)
		}
	}
}

// acceptance are the checks, by number, in few words.
var acceptance = []string{
	1: "The conformance battery on an echo, compressed: 0 failed, at most 13 weak",
	2: "The conformance battery on the real endpoints, before and after login: 0 failed",
	3: "Frames with the top length bit set, 100 rounds, beside 1,000 clients: same process, nobody dropped",
	4: "10 minutes of random frames (5,000 seeds) beside 100 clients: same process, nothing lost, memory back " +
		"within 10 %",
	5:  "Two frames in the packet of the handshake are answered",
	6:  "1,000 kicks of clients that send at full speed: 999 or more see the exact close code",
	7:  "2,000 that never finish a handshake: closed within 10 s, a good client gets in within 1 s",
	8:  "Headers of 8 MiB and of 10,000 lines: refused, memory up by less than 50 MiB",
	9:  "Foreign, null and look-alike origins, and two at once: 403",
	10: "Connected and never logged in: closed within 10 to 15 s; 5,000 of them stop no login",
	11: "Forged tokens: each refused in the same way, without detail",
	12: "Hostile kid, jku, x5u and jwk: refused, nothing fetched, no file opened",
	13: "Claims of every shape: accepted or refused as documented, leeway at most 30 s",
	14: "The same kid in two tenants: neither key admits to the other",
	15: "A token that expires ends its connection within 5 s; no refresh as somebody else",
	16: "Keys change under load: the new one holds within 2 s, nobody is dropped",
	17: "API without key, with a wrong or misplaced one: 401; its time tells nothing",
	18: "A token in a URL reaches no log, metric or error",
	19: "Hostile JSON as commands: an error or a close, no crash, less than 50 ms of processor time each",
	20: "Profiles, metrics and operators' calls are not on the public address",
	21: "200 triples of token, channel and action: allowed exactly as written",
	22: "Names that could pass for others: no grant beyond the table",
	23: "Two tenants with the same names, 100,000 publishes: nothing crosses over",
	24: "Revoked while subscribed: nothing published more than 1 s later is delivered",
	25: "50 clients subscribe and unsubscribe 10,000 times: the last answer holds, nothing is left over",
	26: "Publishing over a socket without the right: refused, nobody hears it",
	27: "1 publisher, 1,000 subscribers, 10,000 events: all get all, in order, once",
	28: "20 publishers on one topic, 50 subscribers: one order for all",
	29: "One event published 1,000 times: delivered once, always the same answer",
	30: "Away for 0.1, 5 and 60 s, then resumed: what was missed comes once, before what is new",
	31: "Resume where it cannot be: said clearly, never a silent gap",
	32: "500 clients resume 100 times while 500 events a second are published: no gap, no duplicate",
	33: "Presence is right within 2 s, and after a blackhole within the ping timeout and 5 s",
	34: "1,000 events a second to 100 subscribers: p50 below 5 ms, p99 below 50 ms",
	35: "Invalid UTF-8 or too large a publish: refused, no subscriber is disconnected",
	36: "A publish is answered only when what is promised holds",
	37: "100 of 1,000 stop reading: closed as slow within 10 s, memory bounded, the others undisturbed",
	38: "A client that reads 1 KiB a second: its queue stays within the limit",
	39: "A reader that stopped, and the server closes: connection and goroutines gone within 5 s",
	40: "10,000 subscriptions of one client, 1,000,000 of 100: an error at the limit, all freed",
	41: "Floods of publishes and commands: limited, the others undisturbed",
	42: "Floods of pings, pongs and empty fragments: cut off, the others undisturbed",
	43: "5,000 headers that claim the maximum: memory bounded, closed within 30 s",
	44: "Compression bombs on 100 connections: all closed, memory up by less than 100 MiB",
	45: "More dialers than file descriptors: refused cleanly, those who are in keep working",
	46: "A memory limit under floods: load is shed, nothing crashes",
	47: "kill -9 in mid publish, 100 times: every acknowledged event is there or the epoch changed",
	48: "SIGTERM with 5,000 clients: each hears of the restart, exit 0 within 10 s, nothing acknowledged lost",
	49: "SIGSTOP for 1, 10 and 60 s: recovers, no session kept wrongly, no duplicate",
	50: "1,000 clients in a blackhole: all gone within two pings and 5 s",
	51: "kill -9 of one of 3 nodes: others lose nothing, its clients resume within 10 s",
	52: "A partition that heals: one order, gaps declared, presence right",
	53: "A rolling restart under load: nothing acknowledged lost",
	54: "A full disk: publishes refused, nothing acknowledged lost, works again by itself",
	55: "A torn or flipped log: starts, says what it dropped, serves nothing corrupt",
	56: "What is wrong at the start: one clear line and an exit within 1 s",
	57: "15,000 connections for 10 minutes: none dropped, at most 20 KiB each, idle below 15 % of a core",
	58: "10,000 clients come back after kill -9: all resumed within 20 s",
	59: "100,000 deliveries a second for 60 s: none lost, p99 below 500 ms",
	60: "60 minutes of churn: goroutines, descriptors and heap back to where they were",
	61: "Hostile text in ids, channels, reasons and headers: each event stays one well-formed log line",
	62: "Fuzzing of the guard, offers, tokens and every dialect's commands: no crasher; no known vulnerability",
}
