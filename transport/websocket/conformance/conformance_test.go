package conformance

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// playReference plays cases against the reference, in fake time.
func playReference(t *testing.T, broken string, o Options, change ...func(*Target)) (report *Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := newReference(broken)
		target := Target{URL: "ws://reference.test/echo", Dial: server.dial, MaxMessage: server.limit,
			Rounds: 20, Timeout: time.Second}
		for _, change := range change {
			change(&target)
		}
		var err error
		if report, err = Run(context.Background(), target, o); err != nil {
			t.Error(err)
		}
		server.serving.Wait()
	})
	return report
}

func TestBattery_AStrictServerPassesAllOfIt(t *testing.T) {
	t.Parallel()
	report := playReference(t, "", Options{Jobs: 4})
	for _, outcome := range []Outcome{Weak, Fail} {
		for _, r := range report.Of(outcome) {
			t.Errorf("%s of a strict server: %s %s: %s", outcome, r.ID, r.Title, r.Note)
		}
	}
	for _, r := range report.Of(Skip) {
		if !strings.Contains(r.Note, "larger than the server's limit") {
			t.Errorf("skipped: %s %s: %s", r.ID, r.Title, r.Note)
		}
	}
	if played := len(report.Results); played != len(Cases()) {
		t.Errorf("%d of %d cases were played", played, len(Cases()))
	}
}

// Each rule is broken alone, and each case that is listed for it sees that.
func TestBattery_EachBrokenRuleIsSeen(t *testing.T) {
	t.Parallel()
	if len(breakages) < 60 {
		t.Fatalf("only %d rules are broken", len(breakages))
	}
	for _, b := range breakages {
		t.Run(b.rule, func(t *testing.T) {
			t.Parallel()
			for _, id := range b.ids() {
				report := playReference(t, b.rule, Options{Only: []string{id}, Wait: time.Second})
				r := report.Results[0]
				if r.ID != id || r.Outcome != b.seen {
					t.Errorf("%s (%s) is %s, not %s: %s", id, r.Title, r.Outcome, b.seen, r.Note)
				}
			}
		})
	}
}
