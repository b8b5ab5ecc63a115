// Package decision records how a decision was made: which rules were asked, in their order, with the setting that each
// one obeys and what it answered. It is what explains a refusal.
//
// The code that decides takes a [Record]. In production that is nil: then each step costs one comparison and allocates
// nothing. With a Record the same code answers a question: it decides the same, records each rule, and counts, uses up
// and changes nothing.
//
// A [Rule] has a name, which is final, the setting that it obeys, and an advice. The table in rules.go lists all of
// them. A setting begins with "tenants[]." for the tenant in question, with "dialect." for the section of the dialect;
// # stands for an index. Whoever knows the configuration makes file and line of it.
//
// It asks that no value is a secret. It does not know who decides, nor about what.
package decision

import (
	"slices"
	"strconv"
	"strings"
)

// Verdict is the answer of one rule.
type Verdict string

// The verdicts.
const (
	Allowed Verdict = "allowed" // the rule lets it pass
	Refused Verdict = "refused" // the rule refuses it: it decides
	Changed Verdict = "changed" // it passes, but later, in part, or in place of something else
)

// Step is one rule that was asked.
type Step struct {
	Rule Rule
	// Setting is what the rule obeys, "" if it is no setting.
	Setting string
	// Value is what the setting, or the state of the server, was; "" if there is nothing to say.
	Value   string
	Verdict Verdict
}

// Record is the steps of one decision. The nil Record records nothing. One goroutine at a time may use it.
type Record struct {
	// Tenant is who asks: of the keys and tokens of other tenants nothing is recorded.
	Tenant string

	steps []Step
}

// Steps returns the steps so far, in the order in which the rules were asked.
func (r *Record) Steps() []Step {
	if r == nil {
		return nil
	}
	return r.steps
}

// Once returns the steps without those that were asked again later and passed: a client that is let in by one dialect,
// and goes on in another, meets the same limits twice.
func (r *Record) Once() *Record {
	var once Record
	for i, s := range r.Steps() {
		again := func(later Step) bool { return later.Rule == s.Rule && later.Setting == s.Setting }
		if s.Verdict != Allowed || !slices.ContainsFunc(r.steps[i+1:], again) {
			once.add(s)
		}
	}
	return &once
}

// Len returns how many steps there are.
func (r *Record) Len() int { return len(r.Steps()) }

// Truncate forgets all steps but the first n.
func (r *Record) Truncate(n int) { r.steps = r.steps[:n] }

// Append adds the steps of another record, which may be nil.
func (r *Record) Append(more *Record) { r.steps = append(r.steps, more.Steps()...) }

// Step records a rule, and returns whether it passes, as do Text, Number and Rate.
func (r *Record) Step(rule Rule, passes bool) bool {
	if r != nil {
		r.text(rule, "", passes)
	}
	return passes
}

// Text records a rule that goes by a text.
func (r *Record) Text(rule Rule, value string, passes bool) bool {
	if r != nil {
		r.text(rule, value, passes)
	}
	return passes
}

// Number records a rule that goes by a number.
func (r *Record) Number(rule Rule, value int, passes bool) bool {
	if r != nil {
		r.text(rule, strconv.Itoa(value), passes)
	}
	return passes
}

// Rate records a rule that obeys the rate of one level ("user") and kind ("messages").
func (r *Record) Rate(level, kind string, value int, passes bool) bool {
	if r != nil {
		r.add(Step{Rate, "rates." + level + "." + kind, strconv.Itoa(value), verdict(passes)})
	}
	return passes
}

// Index records a rule that obeys the element at an index of a list; a negative one is none of the elements.
func (r *Record) Index(rule Rule, index int, value string, passes bool) {
	if r == nil {
		return
	}
	setting := ""
	if index >= 0 {
		setting = strings.Replace(rule.Setting(), "#", strconv.Itoa(index), 1)
	}
	r.add(Step{rule, setting, value, verdict(passes)})
}

// Of records a rule that goes by a text of the tenant or, with own, by that of the tenant's key at an index.
func (r *Record) Of(rule Rule, own bool, index int, value string, passes bool) bool {
	if r != nil && own {
		setting := strings.Replace(rule.Setting(), "[].", "[].keys["+strconv.Itoa(index)+"].", 1)
		r.add(Step{rule, setting, value, verdict(passes)})
		return passes
	}
	return r.Text(rule, value, passes)
}

// Change records a rule that lets it pass, but changed.
func (r *Record) Change(rule Rule, value string) {
	if r != nil {
		r.add(Step{rule, rule.Setting(), value, Changed})
	}
}

func (r *Record) text(rule Rule, value string, passes bool) {
	r.add(Step{rule, rule.Setting(), value, verdict(passes)})
}

func (r *Record) add(s Step) { r.steps = append(r.steps, s) }

func verdict(passes bool) Verdict {
	if passes {
		return Allowed
	}
	return Refused
}

// Decided returns the index of the step that decided: the last that refused, or the last of all. It is -1 if there is
// none.
func (r *Record) Decided() int {
	for i := r.Len() - 1; i >= 0; i-- {
		if r.steps[i].Verdict == Refused {
			return i
		}
	}
	return r.Len() - 1
}
