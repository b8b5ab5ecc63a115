package protocol

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// reliability.md check 22: names that could pass for others are no names; none is cleaned into another.
func TestCheckTopic_RefusesNamesThatCouldPassForAnotherOne(t *testing.T) {
	long := strings.Repeat("x", MaxName)
	for name, ok := range map[string]bool{
		"room": true, "Room": true, "telemetry/7": true, "a/b/c/d/e": true, "a.b": true, "a..b": true, "...": true,
		"a b": true, "%2e": true, "%2e%2e/x": true,
		"ünïcode/日本": true, "caf\u00e9": true, "cafe\u0301": true, "tenantA": true, "tenantAB": true, "-": true,
		"a:b@c+d": true,
		long:      true, long[1:] + "é": false, long + "x": false,
		"": false, "/": false, "/a": false, "a/": false, "a//b": false, ".": false, "..": false, "a/..": false,
		"a/./b": false, "../a": false,
		" a": false, "a ": false, "\ta": false, "a\n": false, "a\rb": false, "a\x00": false, "\x00everyone": false,
		"a\x7f": false, "a\x1b[31m": false, "a\u0085b": false,
		"a\u200bb": false, "a\u200db": false, "\ufeffa": false, "a\u202eb": false, "a\u2028b": false, "a\u2029b": false,
		"a\u00ad": false, "a\u3000": false,
		"a/ b": false, "a /b": false, "a/b\u00a0/c": false,
		"a*": false, "*": false, "a?": false, "a/#": false, "a\xff": false, "\xc3\x28": false, "a\xed\xa0\x80": false,
	} {
		err := CheckTopic(name)
		if (err == nil) != ok {
			t.Errorf("%q: %v, want ok: %v", name, err, ok)
		}
		if err != nil {
			checkRefusal(t, err)
		}
	}
}

// checkRefusal holds for every refusal of input: it is malformed, and what it says can be shown and logged.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason != Malformed {
		t.Errorf("%v is not a refusal as malformed", err)
		return
	}
	if text := refusal.Error(); text == "" || len(text) > 1000 || !utf8.ValidString(text) ||
		strings.ContainsFunc(text, func(r rune) bool {
			return r < ' ' || r == 0x7f
		}) {
		t.Errorf("a refusal says %q", text)
	}
}

func TestCheckName_AllowsWhatIsNoPathButNothingInvisible(t *testing.T) {
	for name, ok := range map[string]bool{
		"42": true, "ann@example.org": true, "a//b": true, "*": true, "..": true, strings.Repeat("é", 127): true,
		"": false, strings.Repeat("é", 128): false, "a\nb": false, " a": false, "a\u200b": false, "\xff": false,
	} {
		if err := CheckName("user", name); (err == nil) != ok {
			t.Errorf("%q: %v, want ok: %v", name, err, ok)
		} else if err != nil {
			checkRefusal(t, err)
			if !strings.HasPrefix(err.Error(), "user") {
				t.Errorf("%q does not name the thing", err)
			}
		}
	}
}

func TestParentAndUnder_GoBySegments(t *testing.T) {
	for name, want := range map[string]string{"a/b/c": "a/b", "a/b": "a", "a": "", "": "", "/a": ""} {
		if got := Parent(name); got != want {
			t.Errorf("Parent(%q) is %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		topic, ancestor string
		want            bool
	}{
		{"a", "a", true}, {"a/b", "a", true}, {"a/b/c", "a", true}, {"a/b/c", "a/b", true},
		{"ab", "a", false}, {"a", "a/b", false}, {"b/a", "a", false}, {"A/b", "a", false},
		{"tenantAB/x", "tenantA", false}, {"a/bc", "a/b", false},
	} {
		if got := Under(c.topic, c.ancestor); got != c.want {
			t.Errorf("Under(%q, %q) is %v", c.topic, c.ancestor, got)
		}
	}
}

// reliability.md check 21, check 22: no grant beyond the table.
func TestPattern_GrantsExactlyWhatItSays(t *testing.T) {
	for _, c := range []struct {
		pattern Pattern
		yes, no string // topics, separated by spaces
	}{
		{"*", "a a/b anything", ""},
		{"room", "room room/1 room/1/2", "roo rooms Room room2/1 aroom a/room"},
		{"room/1", "room/1 room/1/x", "room room/10 room/2"},
		{"room/*", "room/1 room/1/2 room/x", "room rooms/1 roo"},
		{"room*", "rooms room/1 room1", "room roo Rooms"},
		{"", "", "a a/b room"},
		{"a/b*", "a/bc a/b/c", "a/b a"},
	} {
		for _, topic := range strings.Fields(c.yes) {
			if !c.pattern.Grants(topic) {
				t.Errorf("%q does not grant %q", c.pattern, topic)
			}
		}
		for _, topic := range append(strings.Fields(c.no), "") {
			if c.pattern.Grants(topic) {
				t.Errorf("%q grants %q", c.pattern, topic)
			}
		}
	}
	id := &Identity{Topics: []Pattern{"a", "b/*"}}
	for topic, want := range map[string]bool{"a": true, "a/x": true, "b/x": true, "b": false, "c": false} {
		if id.May(topic) != want {
			t.Errorf("May(%q) is %v", topic, !want)
		}
	}
	if (&Identity{}).May("a") {
		t.Error("an identity without patterns may something")
	}
}

func FuzzCheckTopic(f *testing.F) {
	for _, seed := range []string{"room", "a/b", "", "a//b", "..", "a\x00", "\xff", "a\u200b", "*", " a", "0 /0",
		strings.Repeat("x", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := CheckTopic(name)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if name == "" || len(name) > MaxName || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\n*?#") ||
			strings.TrimSpace(name) != name {
			t.Errorf("%q is a topic", name)
		}
		// All that lies above is a topic, too (a space inside a name may be at the end of what is above it: then nobody
		// can name that); and a pattern for one grants the other.
		for up := Parent(name); up != ""; up = Parent(up) {
			if CheckTopic(up) != nil && strings.TrimSpace(up) == up || !Under(name, up) || !Pattern(up).Grants(name) ||
				!Pattern(up+"/*").Grants(name) {
				t.Errorf("%q is above %q", up, name)
			}
		}
	})
}
