package decision

import (
	"slices"
	"testing"
)

// steps asks one rule in each way.
func steps(r *Record, number int) bool {
	return r.Step(Draining, true) && r.Text(Origin, "https://app.example", true) &&
		r.Number(Connections, number, true) && r.Rate("user", "messages", number, true) &&
		r.Of(TokenIssuer, true, number, "me", true)
}

func TestRecord_NilRecordsNothingAndAllocatesNothing(t *testing.T) {
	var none *Record
	number := 1000
	if n := testing.AllocsPerRun(100, func() { number++; steps(none, number) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if none.Len() != 0 || none.Steps() != nil || none.Decided() != -1 {
		t.Error("nil has steps")
	}
}

func TestRecord_NamesSettingsAndWhatDecided(t *testing.T) {
	var r Record
	steps(&r, 3)
	r.Index(TopicRule, -1, "none", true)
	r.Index(TopicRule, 2, "a/*", true)
	r.Change(DialectTopics, "")
	if r.Decided() != r.Len()-1 {
		t.Error("what passes is not decided by the last rule")
	}
	r.Step(Suspended, false)
	r.Append(nil)
	var settings []string
	for _, s := range r.Steps() {
		settings = append(settings, s.Setting)
	}
	want := []string{"", "websocket.origins", "tenants[].connections", "rates.user.messages",
		"tenants[].keys[3].issuer", "", "rules[2]", "", ""}
	if !slices.Equal(settings, want) {
		t.Errorf("%q, want %q", settings, want)
	}
	if r.Decided() != 8 || r.Steps()[8].Verdict != Refused {
		t.Errorf("decided by %d", r.Decided())
	}
	r.Truncate(1)
	r.Step(Suspended, true)
	r.Step(Draining, true)
	if once := r.Once(); once.Len() != 2 || once.Steps()[0].Rule != Suspended {
		t.Errorf("once: %+v", once.Steps())
	}
}

func TestRules_EachHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("rule %d is called %q", r, r)
		}
		seen[r.String()] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d rules", len(seen))
	}
}

func BenchmarkRecord_NilFiveRules(b *testing.B) {
	var none *Record
	b.ReportAllocs()
	for i := range b.N {
		steps(none, i)
	}
}
