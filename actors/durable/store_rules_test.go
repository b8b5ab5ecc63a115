package durable

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/parley-realtime/parley/protocol"
)

// listedTopics are rules that list the durable topics.
func listedTopics(rules string) TopicMatcher {
	return func(_, topic string) bool { return slices.Contains(strings.Fields(rules), topic) }
}

// runWith opens a store, tells it some rules, returns the positions of the topics a, b and c, and closes it.
func runWith(t *testing.T, dir string, cfg Config, rules string) map[string]protocol.Position {
	t.Helper()
	cfg.Partitions = 1
	s := open(t, dir, cfg)
	defer closeStore(t, s)
	if err := s.SetRules(rules, listedTopics); err != nil {
		t.Fatal(err)
	}
	at := map[string]protocol.Position{}
	for _, name := range []string{"a", "b", "c"} {
		at[name] = topic(t, s, name, keepAll).Position()
	}
	return at
}

// storeOfThree makes a store in which a, b and c have three events each, with rules for all of them.
func storeOfThree(t *testing.T) (dir string, at map[string]protocol.Position) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Config{Partitions: 1})
	if err := s.SetRules("a b c", listedTopics); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		publishNumbered(t, topic(t, s, name, keepAll), 1, 3)
	}
	closeStore(t, s)
	return dir, runWith(t, dir, Config{}, "a b c")
}

// newEpochsOf names the topics that have another epoch than before. It fails if one has lost events.
func newEpochsOf(t *testing.T, before, after map[string]protocol.Position) string {
	t.Helper()
	var names []string
	for name, at := range before {
		if after[name].Offset != at.Offset {
			t.Errorf("%s is at %+v, was at %+v", name, after[name], at)
		}
		if after[name].Epoch != at.Epoch {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// F6: at each start the rules decide whether the epoch of a topic goes on.
func TestSetRules_ATopicThatSomeRulesDidNotCoverBeginsANewEpoch(t *testing.T) {
	for starts, want := range map[string]string{
		"a b c":                 "",
		"a b, a b c":            "c",
		"a b":                   "c",
		"c b a, a b c":          "",
		"a, b, a b c":           "a b c",
		"a b c d, a b c":        "",
		"a b c, passed, a b c":  "a b c",
		"a b, a b, passed, a b": "a b c",
		", a b c":               "a b c",
		"a c, a b c, a b c":     "b",
	} {
		t.Run(starts, func(t *testing.T) {
			dir, before := storeOfThree(t)
			var after map[string]protocol.Position
			for _, rules := range strings.Split(starts, ", ") {
				if rules == "passed" {
					if err := MarkUnserved(dir); err != nil {
						t.Fatal(err)
					}
					continue
				}
				after = runWith(t, dir, Config{}, rules)
			}
			if got := newEpochsOf(t, before, after); got != want {
				t.Errorf("new epochs in %q, want %q", got, want)
			}
		})
	}
}

// F6: a start that ends before the store has looked through its topics has noted the rules by which it served them; the
// next one makes up for it.
func TestSetRules_AStartThatWasCutShortIsMadeUpFor(t *testing.T) {
	dir, before := storeOfThree(t)
	for range 3 { // it opens, and is killed before SetRules
		closeStore(t, open(t, dir, Config{Partitions: 1, Rules: "a c"}))
	}
	after := runWith(t, dir, Config{Rules: "a b c"}, "a b c")
	if got := newEpochsOf(t, before, after); got != "b" {
		t.Errorf("new epochs in %q, want b", got)
	}
	for i := range 2 * maxRules {
		closeStore(t, open(t, dir, Config{Partitions: 1, Rules: fmt.Sprint("a b c ", i)}))
	}
	b, err := os.ReadFile(filepath.Join(dir, rulesName))
	if lines := strings.Count(string(b), "\n"); err == nil && lines > maxRules {
		t.Errorf("%d rules wait: %v", lines, err)
	}
	if got := newEpochsOf(t, after, runWith(t, dir, Config{}, "a b c")); got != "a b c" && got != "" {
		t.Errorf("new epochs in %q, want all or none", got)
	}
}

// F6: a disk that has no room for the rules, or a file that says nothing, costs epochs and no events.
func TestSetRules_RulesThatCannotBeKnownCostTheEpochs(t *testing.T) {
	dir, before := storeOfThree(t)
	full := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, rulesName+".new") {
			return errorfs.ErrInjected
		}
		return nil
	}))
	one := runWith(t, dir, Config{Files: full}, "a b")
	if _, err := os.Stat(filepath.Join(dir, rulesName)); !os.IsNotExist(err) {
		t.Error("old rules are left")
	}
	if got := newEpochsOf(t, before, runWith(t, dir, Config{}, "a b c")); got != "a b c" {
		t.Errorf("new epochs in %q, want all", got)
	}
	now := runWith(t, dir, Config{}, "a b c")
	if got := newEpochsOf(t, one, now); got != "a b c" {
		t.Errorf("new epochs in %q, want all", got)
	}
	if err := os.WriteFile(filepath.Join(dir, rulesName), []byte("\"a b c\"\nx"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := newEpochsOf(t, now, runWith(t, dir, Config{}, "a b c")); got != "a b c" {
		t.Errorf("new epochs in %q, want all", got)
	}
}

// F6: many topics change at once.
func TestSetRules_RenewsMoreTopicsThanAnEntryHolds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Config{Partitions: 1})
	if err := s.SetRules("*", func(string) TopicMatcher { return func(_, _ string) bool { return true } }); err != nil {
		t.Fatal(err)
	}
	const count = 2*batchCount + 7
	epochs := map[string]bool{}
	for i := range count {
		h := topic(t, s, fmt.Sprint("t/", i), keepAll)
		publishNumbered(t, h, 1, 1)
		epochs[h.Position().Epoch] = true
	}
	nothing := func(string) TopicMatcher { return func(_, _ string) bool { return false } }
	if err := s.SetRules("none", nothing); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		epochs[topic(t, s, fmt.Sprint("t/", i), keepAll).Position().Epoch] = true
	}
	if len(epochs) != 2*count {
		t.Errorf("%d epochs of %d topics", len(epochs), count)
	}
}
