package conformance

import (
	"errors"
	"fmt"
)

// Outcome is how a case ended.
type Outcome uint8

const (
	// Pass is a server that does what the RFCs ask for.
	Pass Outcome = iota
	// Weak is a server that does what the RFCs tolerate and a careful server avoids: it hangs up without a close frame,
	// uses a less apt close code, or finds invalid text late. Autobahn calls it non-strict.
	Weak
	// Fail is a server that does anything else, or is gone.
	Fail
	// Skip is a case that does not apply, such as one about compression where none was negotiated.
	Skip
)

var outcomes = [...]string{"pass", "weak", "fail", "skip"}

func (o Outcome) String() string { return outcomes[o] }

// MarshalText makes an Outcome a word in JSON.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// verdict ends a case with an outcome other than Pass.
type verdict struct {
	outcome Outcome
	note    string
	ignored bool // the server went on as if nothing had happened
	code    int  // of a close frame that came in place of what was wanted
}

func (v *verdict) Error() string { return v.note }

func fail(format string, args ...any) error {
	return &verdict{outcome: Fail, note: fmt.Sprintf(format, args...)}
}

func weak(format string, args ...any) error {
	return &verdict{outcome: Weak, note: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) error {
	return &verdict{outcome: Skip, note: fmt.Sprintf(format, args...)}
}

// ignored is the failure of a server that did not see a violation.
func ignored(format string, args ...any) error {
	return &verdict{outcome: Fail, note: fmt.Sprintf(format, args...), ignored: true}
}

func wasIgnored(err error) bool {
	var v *verdict
	return errors.As(err, &v) && v.ignored
}

// closed is the failure of a server that closes a connection for no reason.
func closed(e event, wanted string) error {
	return &verdict{outcome: Fail, note: fmt.Sprintf("closed with %d %q, wanted %s", e.code, e.data, wanted),
		code: e.code}
}

func closeCodeOf(err error) int {
	var v *verdict
	if errors.As(err, &v) {
		return v.code
	}
	return 0
}

// outcomeOf is how an error ends a case.
func outcomeOf(err error) (Outcome, string) {
	var v *verdict
	switch {
	case err == nil:
		return Pass, ""
	case errors.As(err, &v):
		return v.outcome, v.note
	}
	return Fail, err.Error()
}
