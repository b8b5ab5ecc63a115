package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/bench/run"
)

// example is a benchmark of two rounds with one failed run, and a peer that took no part.
func example() *Report {
	r := &Report{Date: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Took: "1s", Commit: "abc", Rounds: 2,
		Targets: []Target{{Name: "parley", About: "this"}, {Name: "floor", About: "bare"},
			{Name: "slow", About: "fails"}, {Name: "absent", About: "gone", Out: "PEER_ABSENT is not set"}},
		Cases: []Case{{Name: "fan-1000", Title: "an example", Shows: []run.Figure{run.Processor, run.Deliveries},
			Out: map[string]string{"absent": "PEER_ABSENT is not set"}}}}
	add := func(peer string, round int, cpu float64, failed string) {
		one := Run{Case: "fan-1000", Peer: peer, Round: round, Result: run.Result{Failed: failed}}
		if failed == "" {
			one.Figures = map[run.Figure]float64{run.Processor: cpu, run.Deliveries: 1e6 / cpu}
		}
		r.Runs = append(r.Runs, one)
	}
	add("parley", 1, 2, "")
	add("floor", 1, 4, "")
	add("slow", 1, 0, "3 of 5 deliveries\narrived")
	add("parley", 2, 3, "")
	add("floor", 2, 4, "")
	add("slow", 2, 12, "")
	return r
}

func TestConclude_TakesMediansOfRunsAndOfRatiosWithinARound(t *testing.T) {
	r := example()
	r.Conclude(nil)
	if m := r.find("fan-1000", "parley"); m.Figures[run.Processor] != 2.5 || m.Runs != 2 || m.Failed != 0 {
		t.Errorf("got %+v", m)
	}
	if m := r.find("fan-1000", "slow"); m.Figures[run.Processor] != 12 || m.Runs != 2 || m.Failed != 1 {
		t.Errorf("got %+v", m)
	}
	if x := r.ratio("fan-1000", "floor", run.Processor); x.Median != 0.625 ||
		!slices.Equal(x.Pairs, []float64{0.5, 0.75}) {
		t.Errorf("got %+v", x)
	}
	if x := r.ratio("fan-1000", "slow", run.Processor); x.Median != 0.25 || len(x.Pairs) != 1 {
		t.Errorf("got %+v", x)
	}
}

func TestConclude_EveryGoalHasAVerdict(t *testing.T) {
	r := example()
	r.Conclude([]Goal{
		{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.7},
		{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.6},
		{Case: "fan-1000", Figure: run.Deliveries, Least: true, Bound: 1000},
		{Case: "fan-1000", Figure: run.Deliveries, Least: true, Bound: 1e7},
		{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.4, Plus: 1},
		{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.3, Plus: 1},
		{Case: "fan-1000", Figure: run.Processor, Against: "slow", Bound: 1},
		{Case: "fan-1000", Figure: run.Processor, Against: "absent", Bound: 1},
		{Case: "fan-1000", Figure: run.Processor, Against: "stranger", Bound: 1},
		{Case: "other", Figure: run.Memory, Bound: 8},
	})
	for i, want := range []struct {
		says string
		met  bool
	}{{"better than the goal", true}, {"worse than the goal", false}, {"better than the goal", true},
		{"worse than the goal", false}, {"better than the goal", true}, {"worse than the goal", false},
		{"better than the goal, by 1 of 2 rounds", true},
		{"not measured: absent took no part, PEER_ABSENT is not set", false},
		{"not measured: no runs of stranger", false}, {"not measured: no runs of parley", false}} {
		if v := r.Goals[i]; v.Says != want.says || v.Met != want.met ||
			(v.Measured == nil) != strings.HasPrefix(want.says, "not") {
			t.Errorf("goal %d: got %+v, want %+v", i, v, want)
		}
	}
}

func TestConclude_AGoalMayLeaveOutWhatIsSpentOnPurpose(t *testing.T) {
	r := example()
	r.Conclude([]Goal{{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.4, Plus: 1}})
	if v := r.Goals[0]; v.Goal != "<= 0.40 above 1.00" || *v.Measured != 0.375 || v.Low != 0.25 || v.High != 0.5 {
		t.Errorf("got %+v, measured %v", v, *v.Measured)
	}
}

func TestConclude_ACaseOfFewerRoundsIsJudgedByThese(t *testing.T) {
	r := example()
	r.Runs = slices.DeleteFunc(r.Runs, func(x Run) bool { return x.Round > 1 })
	for rounds, want := range map[int]string{0: "better than the goal, by 1 of 2 rounds", 1: "better than the goal",
		9: "better than the goal, by 1 of 2 rounds"} {
		r.Cases[0].Rounds = rounds
		r.Conclude([]Goal{{Case: "fan-1000", Figure: run.Processor, Bound: 2}})
		if v := r.Goals[0]; v.Says != want || !v.Met {
			t.Errorf("%d rounds: got %+v, want %q", rounds, v, want)
		}
	}
}

func TestConclude_AllRunsFailedIsSaid(t *testing.T) {
	r := example()
	for i := range r.Runs {
		if r.Runs[i].Peer == "parley" {
			r.Runs[i].Result = run.Result{Failed: "x"}
		}
	}
	r.Conclude([]Goal{{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 1}})
	if v := r.Goals[0]; v.Says != "not measured: all runs of parley failed" || v.Met {
		t.Errorf("got %+v", v)
	}
}

func TestTable_HidesNothing(t *testing.T) {
	r := example()
	r.Quick, r.Runs[0].Busy = true, 0.5
	r.Conclude([]Goal{{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.6}})
	var out strings.Builder
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"2026-01-31 12:00 UTC, commit abc, 2 rounds in 1s", "QUICK",
		"TOOK NO PART: PEER_ABSENT is not set", "fan-1000: an example", "(0.62)", "416,667",
		"1 of 2 failed", "(without absent: PEER_ABSENT is not set)", "<= 0.60", "0.50-0.75", "worse than the goal",
		"fan-1000 slow, round 1: 3 of 5 deliveries arrived", "1 of 6 runs began though others"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q is missing in\n%s", text, out.String())
		}
	}
	if err := r.Table(full{}); err == nil {
		t.Error("a table that cannot be written is no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWrite_KeepsEveryRunAndAPicture(t *testing.T) {
	r, dir := example(), t.TempDir()+"/new"
	r.Conclude(nil)
	if err := r.Write(dir, "2026-01-31"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/2026-01-31.json")
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(text, &got); err != nil || len(got.Runs) != 6 || got.Runs[2].Failed == "" ||
		got.Runs[0].Figures[run.Processor] != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	picture, err := os.ReadFile(dir + "/2026-01-31.svg")
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(picture))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"<svg", "parley  2.50", "floor  4.00", "not measured"} {
		if !strings.Contains(string(picture), text) {
			t.Errorf("%q is missing in the picture", text)
		}
	}
}

func TestFormat_ThreeDigitsAndThousands(t *testing.T) {
	for value, want := range map[float64]string{0: "0.00", 0.123: "0.12", 9.876: "9.88", 12.34: "12.3", 123.4: "123",
		1234.5: "1,235", 1234567: "1,234,567", 999_999.6: "1,000,000"} {
		if got := format(value); got != want {
			t.Errorf("%v is %s, want %s", value, got, want)
		}
	}
}
