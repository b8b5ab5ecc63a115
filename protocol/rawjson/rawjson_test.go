package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadObject_SplitsAnObjectIntoItsMembersInTheirOrder(t *testing.T) {
	data := []byte(" {\"b\": 1 , \"a\":{\"x\":[1,2,{\"y\":null}]},\"\\u00e4\":\"\\n\", \"\": -1.5e+10,\"t\":true} \n")
	members, err := ReadObject(data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range members {
		got = append(got, fmt.Sprintf("%s=%s", m.Name, m.Value))
	}
	if want := `b=1|a={"x":[1,2,{"y":null}]}|ä="\n"|=-1.5e+10|t=true`; strings.Join(got, "|") != want {
		t.Errorf("%s, want %s", strings.Join(got, "|"), want)
	}
	// The values are parts of data that cannot grow into their neighbours.
	for _, m := range members {
		if cap(m.Value) != len(m.Value) {
			t.Errorf("%s has room for %d bytes of what follows", m.Name, cap(m.Value)-len(m.Value))
		}
	}
	if &members[0].Value[0] != &data[7] {
		t.Error("a value is a copy")
	}
	if string(Find(members, "t")) != "true" || Find(members, "T") != nil || Find(nil, "t") != nil {
		t.Error("Find")
	}
}

// reliability.md check 19, check 35: hostile JSON is an error, and nothing else.
func TestReadObject_IsStrict(t *testing.T) {
	for name, data := range map[string]string{
		"nothing": "", "space": " \n", "garbage": "x", "cut": `{"a":`, "cut name": `{"a`, "not closed": `{"a":1`,
		"comma": `{"a":1,}`, "two commas": `{"a":1,,"b":2}`,
		"no colon": `{"a" 1}`, "single quotes": `{'a':1}`, "no quotes": `{a:1}`, "comment": `{"a":1}//`,
		"trailing garbage": `{"a":1}x`, "two objects": `{"a":1}{"a":1}`,
		"trailing comma": `{"a":1},`, "NaN": `{"a":NaN}`, "Infinity": `{"a":Infinity}`, "-Infinity": `{"a":-Infinity}`,
		"plus": `{"a":+1}`, "leading zero": `{"a":01}`, "dot": `{"a":1.}`,
		"hex": `{"a":0x1}`, "undefined": `{"a":undefined}`, "raw newline": "{\"a\":\"\n\"}",
		"raw NUL": "{\"a\":\"\x00\"}", "bad escape": `{"a":"\x41"}`,
		"twice": `{"a":1,"a":2}`, "twice by escape": `{"a":1,"\u0061":2}`, "twice below": `{"a":{"b":1,"b":2}}`,
		"twice in a list": `{"a":[{"b":1,"b":2}]}`,
		"invalid UTF-8":   "{\"a\":\"\xff\"}", "invalid UTF-8 name": "{\"\xc3\x28\":1}",
		"surrogate in UTF-8": "{\"a\":\"\xed\xa0\x80\"}", "overlong": "{\"a\":\"\xc0\xaf\"}",
		"lone surrogate": `{"a":"\ud800"}`, "lone low surrogate": `{"a":"\udc00"}`, "BOM": "\ufeff{}",
		"deep":        strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"deep list":   `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		"deep, open":  strings.Repeat(`{"a":`, 1_000_000),
		"array":       `[1]`,
		"text":        `"a"`,
		"number":      `1`,
		"null":        `null`,
		"only closed": `}`,
	} {
		if members, err := ReadObject([]byte(data)); err == nil {
			t.Errorf("%s: %v", name, members)
		}
	}
	if _, err := ReadObject([]byte(" [1] ")); err != ErrNotObject {
		t.Errorf("an array: %v", err)
	}
	for _, data := range []string{`{}`, ` {} `, "{\"a\":\"\U0001f600\"}", `{"a":"\ud83d\ude00"}`, `{"a":1e400}`,
		strings.Repeat(`{"a":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth)} {
		if _, err := ReadObject([]byte(data)); err != nil {
			t.Errorf("%.40s: %v", data, err)
		}
	}
}

// reliability.md check 19: what is deeper is refused before it is read, wherever the depth is.
func TestReadObject_NestsNoDeeperThanItsLimit(t *testing.T) {
	nested := func(n int, open, closing string) string {
		return `{"a":` + strings.Repeat(open, n-1) + "1" + strings.Repeat(closing, n-1) + `}`
	}
	for _, form := range [][2]string{{`[`, `]`}, {`{"a":`, `}`}, {`[{"a":`, `}]`}} {
		levels := strings.Count(form[0], "[") + strings.Count(form[0], "{")
		if _, err := ReadObject([]byte(nested(1+(MaxDepth-1)/levels, form[0], form[1]))); err != nil {
			t.Errorf("%s at the limit: %v", form[0], err)
		}
		tooDeep := nested(2+(MaxDepth-1)/levels, form[0], form[1])
		if _, err := ReadObject([]byte(tooDeep)); err != ErrTooDeep {
			t.Errorf("%s beyond it: %v", form[0], err)
		}
		if elements, ok := ReadArray([]byte("[" + tooDeep + "]")); ok {
			t.Errorf("an array of %s beyond it: %s", form[0], elements)
		}
	}
	// Many beside each other are no depth, and brackets in strings are none.
	for _, data := range []string{`{"a":[` + strings.Repeat(`[],`, 1000) + `1]}`,
		`{"a":"` + strings.Repeat(`[{\"`, 1000) + `"}`} {
		if _, err := ReadObject([]byte(data)); err != nil {
			t.Errorf("%.40s: %v", data, err)
		}
	}
}

// A reader that failed is no burden for the next one.
func TestReadObject_AFailureLeavesNothingBehind(t *testing.T) {
	for range 100 {
		_, _ = ReadObject([]byte(`{"a":[[[{"b":`))
		if members, err := ReadObject([]byte(`{"a":1}`)); err != nil || len(members) != 1 {
			t.Fatalf("%v, %v", members, err)
		}
	}
}

// Names that are known are the strings that the caller has, however they are written, and cost nothing.
func TestSplit_KnownNamesAreNotMadeAnew(t *testing.T) {
	known := []string{"topic", "event"}
	data := []byte(`{"topic":1,"event":{"a":2},"\u0065vent2":3}`)
	var room [4]Member
	if members := Split(room[:0], data, known); len(members) != 3 || members[0].Name != "topic" ||
		members[2].Name != "event2" || &members[0] != &room[0] {
		t.Errorf("%+v", members)
	}
	known = append(known, "event2")
	data = []byte(`{"topic":1,"event":{"a":2},"event2":3}`)
	if allocs := testing.AllocsPerRun(100, func() { Split(room[:0], data, known) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	if members := Split(room[:1], []byte(` [1] `), nil); len(members) != 1 || IsObject([]byte(` [1] `)) ||
		IsObject(nil) || !IsObject([]byte(` {}`)) {
		t.Errorf("an array has the members %+v", members)
	}
}

func TestLookup_FindsAMemberAtTheTopAlone(t *testing.T) {
	data := []byte(` { "a" : {"b":1} , "c\\":"b","\u0062":[2], "d":"}" } `)
	for name, want := range map[string]string{"a": `{"b":1}`, `c\`: `"b"`, "b": "[2]", "d": `"}"`, "e": ""} {
		if got := string(Lookup(data, name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, other := range []string{`["a"]`, `"a"`, `1`, `{}`, ``} {
		if got := Lookup([]byte(other), "a"); got != nil {
			t.Errorf("%s has the member %s", other, got)
		}
	}
	plain := []byte(`{"x":1,"timestamp":{"y":2}}`)
	if allocs := testing.AllocsPerRun(100, func() { Lookup(plain, "timestamp") }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestReadArray_IsAsStrictAsReadObject(t *testing.T) {
	elements, ok := ReadArray([]byte(` [1, "a",{"b":[2]} , null] `))
	if !ok || len(elements) != 4 || string(elements[2]) != `{"b":[2]}` || cap(elements[0]) != 1 {
		t.Errorf("%s, %v", elements, ok)
	}
	if elements, ok := ReadArray([]byte(`[]`)); !ok || elements != nil {
		t.Errorf("an empty array: %v, %v", elements, ok)
	}
	for _, data := range []string{"", "{}", "1", "[", "[1", "[1,]", "[,]", "[1]x", "[1][2]", `[{"a":1,"a":2}]`,
		"[\"\xff\"]", "[NaN]", strings.Repeat("[", 100_000)} {
		if elements, ok := ReadArray([]byte(data)); ok {
			t.Errorf("%.40s: %s", data, elements)
		}
	}
}

func TestTextAndScalar_SayWhatARawValueMeans(t *testing.T) {
	for _, c := range []struct {
		raw, text      string
		isText, scalar bool
	}{
		{`"a"`, "a", true, true}, {`""`, "", true, true}, {`"\u0061\n\""`, "a\n\"", true, true},
		{`"\ud83d\ude00"`, "\U0001f600", true, true},
		{`1`, "1", false, true}, {`-1.5e3`, "-1.5e3", false, true}, {`true`, "true", false, true},
		{`false`, "false", false, true},
		{`null`, "", false, false}, {`{}`, "", false, false}, {`[1]`, "", false, false}, {``, "", false, false},
	} {
		text, ok := Text([]byte(c.raw))
		if ok != c.isText || ok && text != c.text {
			t.Errorf("Text(%s) is %q, %v", c.raw, text, ok)
		}
		if text, ok := Scalar([]byte(c.raw)); ok != c.scalar || text != c.text {
			t.Errorf("Scalar(%s) is %q, %v", c.raw, text, ok)
		}
	}
	for _, text := range []string{"", "a", "\"\\\n\x00", "<script>&", "ü\U0001f600", "\xff"} {
		quoted := AppendText([]byte("x"), text)
		back, ok := Text(quoted[1:])
		if want := strings.ToValidUTF8(text, "\ufffd"); !ok || back != want || quoted[0] != 'x' || !utf8.Valid(quoted) {
			t.Errorf("%q became %s and came back as %q", text, quoted, back)
		}
	}
	if got := string(AppendText(nil, "<&>")); got != `"<&>"` {
		t.Errorf("more is escaped than JSON demands: %s", got)
	}
}

// strictly reports whether data holds what ReadObject refuses and encoding/json takes: a name twice, bad UTF-8, a lone
// surrogate. It is told apart with a decoder of its own, token by token.
func strictly(data []byte) bool {
	if !utf8.Valid(data) {
		return true
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var names []map[string]bool // of the open objects; nil for an array
	atName := false
	for {
		token, err := dec.Token()
		if err != nil {
			break
		}
		inObject := len(names) > 0 && names[len(names)-1] != nil
		switch tok := token.(type) {
		case json.Delim:
			switch tok {
			case '{':
				names, atName = append(names, map[string]bool{}), true
				continue
			case '[':
				names, atName = append(names, nil), false
				continue
			default:
				names = names[:len(names)-1]
				atName = len(names) > 0 && names[len(names)-1] != nil
				continue
			}
		case string:
			if inObject && atName {
				if names[len(names)-1][tok] {
					return true
				}
				names[len(names)-1][tok] = true
				atName = false
				continue
			}
		}
		atName = inObject
	}
	return bytes.Contains(data, []byte(`\ud`)) || bytes.Contains(data, []byte(`\uD`)) // a surrogate, perhaps a lone one
}

func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"d":"\u00e4\n"}`, ` {"a" : 1e5 , "b":true } `, `{"a":1,"a":2}`,
		`{"a":{"b":1,"b":2}}`, `[1]`, `null`, `{"a":NaN}`, `{"a":1}x`,
		"{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`, `{"a":`, `{"":""}`, `{"a":01}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		members, err := ReadObject(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if (err == nil) != (Check(data) == nil && IsObject(data)) {
			t.Fatalf("ReadObject says %v of %q, Check says %v", err, data, Check(data))
		}
		var want map[string]json.RawMessage
		valid := json.Unmarshal(data, &want) == nil && want != nil
		if err == nil && !valid {
			t.Fatalf("ReadObject takes %q, encoding/json does not", data)
		}
		if err != nil {
			if valid && !strictly(data) && nesting(data) <= MaxDepth {
				t.Fatalf("ReadObject refuses %q: %v", data, err)
			}
			return
		}
		if got := Lookup(data, "no such name"); (got == nil) != (want["no such name"] == nil) {
			t.Fatalf("Lookup finds %s", got)
		}
		if len(members) != len(want) {
			t.Fatalf("%d members, want %d", len(members), len(want))
		}
		for _, m := range members {
			if !bytes.Equal(m.Value, want[m.Name]) {
				t.Fatalf("%q is %s, want %s", m.Name, m.Value, want[m.Name])
			}
			if got := Lookup(data, m.Name); !bytes.Equal(got, m.Value) {
				t.Fatalf("Lookup finds %s as %q, want %s", got, m.Name, m.Value)
			}
			if text, ok := Text(m.Value); ok {
				var wantText string
				if json.Unmarshal(m.Value, &wantText) != nil || text != wantText {
					t.Fatalf("Text(%s) is %q, want %q", m.Value, text, wantText)
				}
			}
			if elements, ok := ReadArray(m.Value); ok {
				var wantElements []json.RawMessage
				if json.Unmarshal(m.Value, &wantElements) != nil || len(elements) != len(wantElements) {
					t.Fatalf("ReadArray(%s) has %d elements", m.Value, len(elements))
				}
			}
		}
	})
}

// nesting is at least how deep data is nested.
func nesting(data []byte) int { return bytes.Count(data, []byte("{")) + bytes.Count(data, []byte("[")) }
