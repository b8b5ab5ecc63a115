package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit_PartsANameIntoItsWords(t *testing.T) {
	for text, want := range map[string]string{
		"rollCall": "roll call", "RollCall": "roll call", "HTTPServer": "http server", "parseURL": "parse url",
		"read_linux": "read linux", "x": "x", "ID": "id", "v2Frame": "v2 frame", "wsconform": "wsconform",
	} {
		if got := strings.Join(split(text), " "); got != want {
			t.Errorf("%s is split into %q, want %q", text, got, want)
		}
	}
}

// An ordinary word is forbidden as the whole name of what the table means, and where it means that. Others are
// forbidden wherever they stand in a name.
func TestWords_AreForbiddenAsTheTableMeansThem(t *testing.T) {
	const actors = "actors/outbox"
	for _, c := range []struct {
		name
		by string
	}{
		{name{text: "rollCall", kind: ofFunction, dir: actors}, "roll call"},
		{name{text: "maxAttendants", kind: ofValue, dir: "protocol"}, "attendant"},
		{name{text: "Heralds", kind: ofField, dir: "cmd/parley"}, "herald"},
		{name{text: "line", kind: ofType, dir: actors}, "line"},
		{name{text: "line", kind: ofFile, dir: "transport/websocket"}, "line"},
		{name{text: "line", kind: ofFile, dir: "transport/websocket/conformance"}, ""},
		{name{text: "line", kind: ofLocal, dir: actors}, ""},
		{name{text: "lineReader", kind: ofType, dir: actors}, ""},
		{name{text: "line", kind: ofType, dir: "protocol"}, ""},
		{name{text: "part", kind: ofMethod, dir: "actors"}, "part"},
		{name{text: "part", kind: ofMethod, dir: "actorsother"}, ""},
		{name{text: "parted", kind: ofMethod, dir: "actors"}, ""},
		{name{text: "why", kind: ofLocal, dir: "transport/api"}, "why"},
		{name{text: "why", kind: ofField, dir: "transport/api"}, ""},
		{name{text: "thing", kind: ofType, dir: "actors"}, ""},
	} {
		by := ""
		if i := slices.IndexFunc(homeMadeTable, c.bears); i >= 0 {
			by = homeMadeTable[i].word
		}
		if by != c.by {
			t.Errorf("%s %s in %s bears %q, want %q", c.kind, c.text, c.dir, by, c.by)
		}
	}
}

func TestWords_EachKindOfNameIsRead(t *testing.T) {
	excepted["lounge.Lounge"] = "of this test"
	t.Cleanup(func() { delete(excepted, "lounge.Lounge") })
	src := sample(t, map[string]string{
		"lounge/my_lounge.go": `
type loungeType struct { loungeField int }
type I interface { loungeMethod() }
type Lounge int
var loungeValue = func() int { loungeInside := 1; return loungeInside }()
func loungeFunc(loungeParam int) (loungeResult int) {
	for loungeKey, loungeElement := range []int{} { _, _ = loungeKey, loungeElement }
	var loungeVar int
	loungeVar = 2
	return loungeVar
}
func (loungeReceiver *loungeType) loungeCall() {}
`,
		"lounge/a_test.go": "var loungeOfTest int\n",
	})
	m, err := homeMadeWords(src)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range m.found {
		fields := strings.Fields(line)
		got = append(got, fields[1]+" "+strings.TrimSuffix(fields[2], ":"))
	}
	slices.Sort(got)
	want := []string{
		"field loungeField", "file my_lounge", "func loungeFunc", "local loungeElement", "local loungeInside",
		"local loungeKey", "local loungeParam", "local loungeReceiver", "local loungeResult", "local loungeVar",
		"method loungeCall", "method loungeMethod", "package lounge", "type loungeType", "value loungeValue",
	}
	if !slices.Equal(got, want) || !slices.Equal(m.now, []int{1, len(want)}) {
		t.Errorf("%v, and found %q, want %q", m.now, got, want)
	}
}

func TestSentences_BeginWithWhoOrWhatOnlyIfTheyAsk(t *testing.T) {
	src := sample(t, map[string]string{
		"a/a.go": `
// What is this? It is a. Who is late is told
// so. It says (what it may). "Whom it knows" is not asked.
//
//	What is code is no sentence.
//
// - What is an item is one.
//
// Whoever comes, Whatever is said: fine
var a int // what is small is none

/* Who stands in the other kind of comment counts. */
`,
		"a/a_test.go": "// Who tests is free.\n",
	})
	check(t, src, "sentences", []int{4}, "",
		"a/a.go:3 Who is late is told so.",
		`a/a.go:3 "Whom it knows" is not asked.`,
		"a/a.go:3 What is an item is one.",
		"a/a.go:13 Who stands in the other kind of comment counts.")
}

func TestDoors_APackageNeedsACommentInOneOfItsFiles(t *testing.T) {
	src := sample(t, map[string]string{
		"a/a.go": "", "a/a_test.go": "// Package a is a test.\npackage a\n",
		"b/b.go": "", "b/doc.go": "// Package b is b.\npackage b\n", "c/c_test.go": "",
	})
	check(t, src, "doors", []int{1}, "", "a")
}

func TestReport_SaysWhichGoalIsMissedAndWhatKeepsItBack(t *testing.T) {
	src := sample(t, map[string]string{"actors/lounge.go": "// Package actors is small.\npackage actors\n"})
	var out strings.Builder
	missed, err := report(&out, src.root, "")
	if err != nil || !missed {
		t.Errorf("missed %v (%v)", missed, err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(rows) != len(figures)+1 {
		t.Errorf("the table has %d lines:\n%s", len(rows), out.String())
	}
	for _, row := range rows[1:] {
		if is := strings.Contains(row, "MISSED"); is != strings.HasPrefix(row, "words ") {
			t.Errorf("missed %v: %s", is, row)
		}
	}
	out.Reset()
	if missed, err = report(&out, src.root, "words"); err != nil || !missed {
		t.Errorf("words: missed %v (%v)", missed, err)
	}
	if !strings.HasSuffix(out.String(), "\nactors/lounge.go:2 file lounge: lounge is idle poller\n") {
		t.Errorf("-show words prints:\n%s", out.String())
	}
	if missed, err = report(&out, src.root, "engine"); err != nil || missed {
		t.Errorf("engine: missed %v (%v)", missed, err)
	}
	if _, err = report(&out, src.root, "weight"); err == nil || !strings.Contains(err.Error(), "engine, cycles") {
		t.Errorf("a figure that is not there: %v", err)
	}
}
