package protocol

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// declared are all constants of type Reason, as the source says.
func declared(t *testing.T) []Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []Reason
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, Reason(text))
			}
		}
		return true
	})
	if len(all) < 20 {
		t.Fatalf("only %d reasons were found in reason.go", len(all))
	}
	return all
}

func TestReasons_EachHasAStatusACloseCodeAndASentence(t *testing.T) {
	all := declared(t)
	if len(all) != len(reasons) {
		t.Errorf("%d reasons are declared, %d are in the table", len(all), len(reasons))
	}
	for _, r := range all {
		if _, ok := reasons[r]; !ok {
			t.Errorf("%s is not in the table", r)
		}
		if s := r.Status(); s < 400 || s > 599 {
			t.Errorf("%s has status %d", r, s)
		}
		// RFC 6455 section 7.4: what may be sent. 1004, 1005, 1006 and 1015 must not be.
		if c := r.CloseCode(); (c < 1000 || c > 1003) && (c < 1007 || c > 1014) && (c < 3000 || c > 4999) {
			t.Errorf("%s has close code %d", r, c)
		}
		if m := r.Message(); m == "" || strings.ToLower(m[:1]) != m[:1] || strings.HasSuffix(m, ".") {
			t.Errorf("%s says %q", r, m)
		}
		if len(r) > 123 || strings.Trim(string(r), "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%q does not fit into a close frame and a label", r)
		}
	}
	if r := Reason("unheard of"); r.Status() != 500 || r.CloseCode() != 1011 || r.Message() != Internal.Message() {
		t.Error("an unknown reason is not internal")
	}
}

func TestRefusal_IsAnErrorThatIsRecognisedByItsReason(t *testing.T) {
	err := fmt.Errorf("publish: %w", Refuse(NotFound, "no topic %s", Quote("x")))
	if !errors.Is(err, Refuse(NotFound, "")) || errors.Is(err, Refuse(Forbidden, "")) ||
		errors.Is(err, errors.New("x")) {
		t.Error("Is does not go by the reason")
	}
	if r := AsRefusal(err); r.Reason != NotFound || r.Error() != `no topic "x"` {
		t.Errorf("%+v", r)
	}
	if r := AsRefusal(errors.New("dial tcp 10.0.0.1: secret")); r.Reason != Internal || r.Detail != "" ||
		r.Error() != Internal.Message() {
		t.Errorf("an unknown error is shown as %+v", r)
	}
	if AsRefusal(nil) != nil {
		t.Error("no error is a refusal")
	}
}

func TestEnd_ClosesWithTheReasonsCodeAfterALastMessage(t *testing.T) {
	got := End(Refuse(Draining, ""), []byte("bye"))
	if say, ok := got[0].(Send); len(got) != 2 || !ok || string(say.Text) != "bye" ||
		got[1] != (Close{Code: 1012, Reason: "draining"}) {
		t.Errorf("%v", got)
	}
	if got := End(Refuse(Internal, ""), nil); len(got) != 1 || got[0] != (Close{Code: 1011, Reason: "internal"}) {
		t.Errorf("%v", got)
	}
}

// reliability.md check 61: what comes from outside cannot break a line or a terminal.
func TestQuote_CutsAndEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"room": `"room"`, "a\nb": `"a\nb"`, "\x1b[31m": `"\x1b[31m"`, `"`: `"\""`, "\xff": `"\xff"`, "ü": `"ü"`,
		"\u202e":                      `"\u202e"`,
		strings.Repeat("x", 64):       `"` + strings.Repeat("x", 64) + `"`,
		strings.Repeat("x", 65):       `"` + strings.Repeat("x", 64) + `"...`,
		strings.Repeat("x", 63) + "é": `"` + strings.Repeat("x", 63) + `"...`,
	} {
		if got := Quote(text); got != want || !utf8.ValidString(got) {
			t.Errorf("Quote(%q) is %s, want %s", text, got, want)
		}
	}
	if got := Quote(strings.Repeat("\x80", 1000)); len(got) > 300 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestCredential_DoesNotShowItsToken(t *testing.T) {
	c := Credential{Token: "secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, x := range []any{c, &c, Authenticate{Credential: c}, []Credential{c}} {
			if got := fmt.Sprintf(verb, x); strings.Contains(got, "secret") {
				t.Errorf("%s of %T shows %s", verb, x, got)
			}
		}
	}
}

// F41: a sentence names a kind with its article.
func TestKind_EventHasItsArticle(t *testing.T) {
	for kind, want := range map[Kind]string{Alert: "an alert event", Object: "an object event",
		Telemetry: "a telemetry event", ProjectUpdated: "a project_updated event"} {
		if got := kind.Event(); got != want {
			t.Errorf("%q is %q, not %q", string(kind), got, want)
		}
	}
}

// F39: an id has one length, so that it is cut out of a log by eye, and hardly comes twice.
func TestRequestID_IsTwelveLettersAndDigitsByChance(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewRequestID()
		if len(id) != 12 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	if RequestID(t.Context()) != "" || RequestID(WithRequestID(t.Context(), "x")) != "x" {
		t.Error("a context does not keep the id")
	}
}
