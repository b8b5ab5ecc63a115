package protocol

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFilter_SelectsByConditionsAndLeavesWhatItsViewSays(t *testing.T) {
	telemetry, err := NewEvent(EventInput{Kind: Telemetry,
		Data: []byte(`{"device_id":7,"telemetry":{"temp":1,"hum":2},"metadata":{"zone":"z"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	message, err := NewEvent(EventInput{Kind: Message, Data: []byte(`{"level":"info","message":"m"}`)})
	if err != nil {
		t.Fatal(err)
	}
	where := func(attribute string, in ...string) Condition { return Condition{attribute, in} }
	temp, both, none := Project([]string{"temp"}), Project([]string{"temp", "hum", "other"}), Project([]string{"other"})
	for name, c := range map[string]struct {
		filter Filter
		ev     *Event
		view   Projection
		ok     bool
	}{
		"zero":                   {Filter{}, telemetry, All, true},
		"a condition that holds": {Filter{Where: []Condition{where("device_id", "6", "7")}}, telemetry, All, true},
		"one that does not":      {Filter{Where: []Condition{where("device_id", "6")}}, telemetry, All, false},
		"one of nothing":         {Filter{Where: []Condition{where("device_id")}}, telemetry, All, false},
		"one of the metadata":    {Filter{Where: []Condition{where("zone", "z")}}, telemetry, All, true},
		"one without attribute":  {Filter{Where: []Condition{where("level", "info")}}, telemetry, All, false},
		"two, of which one fails": {Filter{Where: []Condition{where("device_id", "7"), where("zone", "y")}}, telemetry,
			All, false},
		"a view":                  {Filter{View: temp}, telemetry, temp, true},
		"a view of more":          {Filter{View: both}, telemetry, both, true},
		"a view that leaves none": {Filter{View: none}, telemetry, All, false},
		"an empty view":           {Filter{View: Project(nil)}, telemetry, All, false},
		"a view of what has none": {Filter{View: none}, message, All, true},
		"a view and a condition": {Filter{View: temp, Where: []Condition{where("device_id", "7")}}, telemetry, temp,
			true},
		"a frequency":              {Filter{Every: time.Second}, telemetry, All, true},
		"a condition on an object": {Filter{Where: []Condition{where("telemetry", "{}")}}, telemetry, All, false},
	} {
		view, ok := c.filter.Select(c.ev)
		if ok != c.ok || ok && view != c.view {
			t.Errorf("%s: %q, %v, want %q, %v", name, view, ok, c.view, c.ok)
		}
	}
}

// names are what conditions and views are made of; one is a prefix of another, one a list's text.
var names = []string{"a", "ab", "b", "a,b", "", "1", "ü"}

func randomFilter(rng *rand.Rand) Filter {
	var f Filter
	some := func() (list []string) {
		for range rng.IntN(3) {
			if n := names[rng.IntN(len(names))]; !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
		return list
	}
	attributes := rng.Perm(len(names))
	for i := range rng.IntN(3) {
		f.Where = append(f.Where, Condition{names[attributes[i]], some()})
	}
	if rng.IntN(2) == 0 {
		f.View = Project(some())
	}
	f.Every = []time.Duration{0, 0, time.Second, 1100 * time.Millisecond}[rng.IntN(4)]
	f.Exact, f.WithPosition, f.Members = rng.IntN(4) == 0, rng.IntN(4) == 0, rng.IntN(4) == 0
	if rng.IntN(4) == 0 {
		f.Label = names[rng.IntN(len(names))]
	}
	return f
}

// meaning is a filter's meaning in words: conditions and their values in any order are the same.
func meaning(f *Filter) string {
	var conditions []string
	for _, c := range f.Where {
		conditions = append(conditions, fmt.Sprintf("%q in %q", c.Attribute, slices.Sorted(slices.Values(c.In))))
	}
	slices.Sort(conditions)
	return fmt.Sprintf("%s view %q every %s exact %t with position %t label %q members %t",
		strings.Join(conditions, " and "), f.View, f.Every, f.Exact, f.WithPosition, f.Label, f.Members)
}

// Subscribers share their frames if their filters have one key, so it has to mean the same, and the other way round.
func TestFilter_KeysAreEqualExactlyIfTheFiltersMeanTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	keys, meanings := map[string]string{}, map[string]string{}
	for range 100_000 {
		f := randomFilter(rng)
		rng.Shuffle(len(f.Where), func(i, j int) { f.Where[i], f.Where[j] = f.Where[j], f.Where[i] })
		key, means := f.Key(), meaning(&f)
		if other, ok := keys[key]; ok && other != means {
			t.Fatalf("the key %q means %s and %s", key, means, other)
		}
		if other, ok := meanings[means]; ok && other != key {
			t.Fatalf("%s has the keys %q and %q", means, key, other)
		}
		keys[key], meanings[means] = means, key
	}
	if (&Filter{}).Key() != "" || (&Filter{Where: []Condition{}}).Key() != "" {
		t.Error("the filter that wants everything has a key")
	}
	if len(keys) < 1000 {
		t.Errorf("only %d filters were tried", len(keys))
	}
}

func TestView_LeavesWhatItListsAndAUnionWhatEitherLeaves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	some := func() (Projection, func(string) bool) {
		if rng.IntN(8) == 0 {
			return All, func(string) bool { return true }
		}
		var list []string
		for range rng.IntN(5) {
			if n := names[rng.IntN(len(names))]; n != "" { // no part has an empty name
				list = append(list, n)
			}
		}
		given := slices.Clone(list)
		v := Project(list)
		if !slices.Equal(list, given) {
			t.Fatal("ViewOf changed its list")
		}
		return v, func(name string) bool { return slices.Contains(given, name) }
	}
	for range 20_000 {
		v, inV := some()
		w, inW := some()
		union := v.Union(w)
		for _, name := range append([]string{"none", "abc"}, names...) {
			if name == "" {
				continue
			}
			if v.Includes(name) != inV(name) {
				t.Fatalf("%q leaves %q: %v", v, name, !inV(name))
			}
			if union.Includes(name) != (inV(name) || inW(name)) {
				t.Fatalf("the union of %q and %q is %q and leaves %q: %v", v, w, union, name, union.Includes(name))
			}
		}
		if other := w.Union(v); !sameView(union, other) || !sameView(union, union.Union(v)) {
			t.Fatalf("the union of %q and %q is %q one way and %q the other", v, w, union, other)
		}
	}
	if v := Project([]string{"b", "a"}); v != Project([]string{"a", "b"}) || v == All || Project(nil) == All {
		t.Error("views of the same parts differ, or the empty one is the whole")
	}
}

// sameView reports whether two views leave the same of all names here.
func sameView(v, w Projection) bool {
	for _, name := range append([]string{"none"}, names...) {
		if name != "" && v.Includes(name) != w.Includes(name) {
			return false
		}
	}
	return true
}
