package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// faultMark is how a test says which fault it would find again.
var faultMark = regexp.MustCompile(`\bF(\d{1,2})\b`)

// unrepaired are the faults that no test would find again yet. It may only shrink.
var unrepaired = []int{}

// everyFault is which tests name which fault.
func everyFault(t *testing.T) map[int][]string {
	t.Helper()
	found := map[int][]string{}
	mark := func(text, where string) {
		for _, name := range faultMark.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(name[1])
			if !slices.Contains(found[n], where) {
				found[n] = append(found[n], where)
			}
		}
	}
	walkHouse(t, func(name, file string) {
		switch {
		case strings.HasPrefix(file, ".git/") || path.Base(file) == "faults_table_test.go":
		case strings.HasPrefix(file, ".ci/"):
			mark(strings.Join(ofLines(t, name), "\n"), "continuous integration")
		case strings.HasSuffix(file, "_test.go"):
			eachTest(t, name, func(test, text string) { mark(text, "`"+path.Dir(file)+"` "+test) })
		}
	})
	for _, where := range found {
		slices.Sort(where)
	}
	return found
}

// Each fault that real clients, deployments and attackers found has a test that would find it again, and that bears its
// number. bench/FAULTS.md lists them behind the checks.
func TestChecks_EachFaultHasATestThatBearsItsNumber(t *testing.T) {
	found := everyFault(t)
	for n := range found {
		if n < 1 || n >= len(faults) {
			t.Errorf("fault F%d does not exist: %v", n, found[n])
		}
	}
	for n := 1; n < len(faults); n++ {
		switch missing := slices.Contains(unrepaired, n); {
		case len(found[n]) == 0 && !missing:
			t.Errorf("F%d has no test that bears its number", n)
		case len(found[n]) > 0 && missing:
			t.Errorf("F%d has a test; take it off the list of those that have none", n)
		}
	}
}

// faultTable is the second part of bench/FAULTS.md.
func faultTable(t *testing.T) string {
	found := everyFault(t)
	var table strings.Builder
	table.WriteString("\n# The faults that were found outside, and their tests\n\nFound by clients and attackers " +
		"that nobody here wrote, at commit cb31398. Each test fails on the code before its repair, and runs\neach " +
		"time.\n\n" +
		"| Number | What holds now | Tests |\n|---|---|---|\n")
	for n := 1; n < len(faults); n++ {
		where := "no test yet"
		if len(found[n]) > 0 {
			where = strings.Join(found[n], "<br>")
		}
		fmt.Fprintf(&table, "| F%d | %s | %s |\n", n, faults[n], where)
	}
	return table.String()
}

// faults are what holds where each fault was, by number, in few words.
var faults = []string{
	1: "A clock that steps, ahead or back, removes no event; each removal by age is one log line",
	2: "An event id is recognised for its whole window whatever the clock does",
	3: "A revocation of the future is refused, a later one replaces an earlier one, and one can be taken back",
	4: "A token issued ahead of our clock is accepted if its other times hold; `iat` counts for revocation",
	5: "A position from a life that the store does not know is refused, after a restore or a copy put back",
	6: "A topic that was served from memory meanwhile comes back from disk with a new epoch",
	7: "A history from an offset needs its epoch",
	8: "A closed stderr or stdout does not end the server",
	9: "A log that nobody reads blocks nothing; lines that could not be written are counted",
	10: "On a full disk the server starts: sockets and memory topics are served, durable publishes refused until " +
		"there is room",
	11: "Service variables of Kubernetes and Docker are no settings",
	12: "From the drain on every HTTP answer says close, and its connection ends after it",
	13: "A certificate that has expired or soon will is told by check, start, log and metric",
	14: "A drain is paced by rate: few clients take about a second, and all are told in time",
	15: "systemd is told when the server is ready, reloads, stops and lives",
	16: "A revocation outlives a restart",
	17: "A subscription ends with the right that it stands on",
	18: "A socket that says nothing is closed in time, and sockets without identity are bounded, in all and per " +
		"address",
	19: "A ticket asks for what the protocol asks for that takes it",
	20: "A ticket, and what it opened, ends with the key that it came from",
	21: "Log lines that clients cause are counted and summed up per tenant",
	22: "A token that is too large is told so, and a login message may be as large as a token may be",
	23: "A secret in a file is what is written there, without a byte-order mark or blanks around it",
	24: "A key set is used without the keys in it that cannot be used",
	25: "Keys come from a URL as well, with rotation, bounds and the last good set kept",
	26: "An outpost's calls are answered from files or by an upstream, and with neither cannot become a busy loop",
	27: "What an outpost is told fits its version",
	28: "A page behind a proxy that ends TLS and keeps Host may connect",
	29: "Origins that are listed mean what they say, and what could never match is refused",
	30: "In dev mode every page of this machine may connect, and no other",
	31: "A page that may open sockets may fetch its ticket across origins",
	32: "Names with a slash can be asked for where a proxy decodes them",
	33: "A notification reaches those who attached to it, with its id or without, and no others",
	34: "A client is not cut off while its protocol lets it sleep",
	35: "A credential that is there twice is judged as the original's framework does",
	36: "Hosts with a dot, paths with a slash, times of year 1 and blank lines are taken as users expect",
	37: "go.mod is tidy and the linter green, and continuous integration keeps them so",
	38: "Series with known labels are there from the start, those of a call once it was made",
	39: "A refused listener says why, with the id by which the log has it",
	40: "A listener without a dialect hears the first publish, and comes back",
	41: "A sentence names a kind with its article",
	42: "Login, subscribe, join and resume have a time of their own and end with their connection",
	43: "The repository stands alone: what needs other documents says that it was skipped, and why",
	44: "Messages that came whole before a close or a fault are answered first",
	45: "How many fragments a message may have follows from its size",
	46: "Bad UTF-8 is found at its frame, and window sizes that can be had are agreed on",
	47: "A torn log is recovered, which tests reach and notice if it is not",
	48: "A row of the tables says what was run, and at which commit",
	49: "Each requirement is at a test that fails without it",
	50: "A connection that is cut is not taken for silence",
	51: "A check wants what its row says",
	52: "What the race detector hides is tested without it",
	53: "No test has a bound that a busy machine breaks, or a wait without an end",
	54: "Figures come from one run with its commit and all peers; skipped tests are printed",
	55: "The tests end within minutes on a busy machine, and there is a quick form of them",
}
