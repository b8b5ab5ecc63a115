package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol/decision"
)

// Explain implements Explainer: the one rule refuses.
func (n *fakeNode) Explain(_ context.Context, tenant string, q Question) (Explanation, error) {
	if n.panics {
		panic("as the test wants")
	}
	if n.fail != nil {
		return Explanation{}, n.fail
	}
	step := decision.Step{Rule: decision.Grant, Setting: "tenants[].topics", Value: tenant + " " + q.User,
		Verdict: decision.Refused}
	return Explanation{Trail: []ExplainedRule{{Step: step, Setting: "tenants[0].topics", At: "parley.yaml:7"}},
		Advice: "Ask for another."}, nil
}

func TestExplain_AnswersWithTheRulesAndTheirPlaces(t *testing.T) {
	const want = `{"allowed":false,"trail":[{"rule":"grant","setting":"tenants[0].topics","at":"parley.yaml:7",` +
		`"value":"acme 42","verdict":"refused"}],"decided":0,"advice":"Ask for another."}`
	h := newTestAPI(t, Config{AdminKey: "k1"})
	const question = `{"action":"subscribe","user":42,"topic":"alerts"}`
	for _, target := range []string{"/api/v1/explain", "/api/v1/admin/tenants/acme/explain"} {
		if a := h.do(request("POST", target, question)); a.status != http.StatusOK || a.body != want {
			t.Errorf("%s answers %d %s", target, a.status, a.body)
		}
	}
	if a := h.do(request("POST", "/api/v1/admin/tenants/nobody/explain", question)); a.status != http.StatusNotFound {
		t.Errorf("for an unknown tenant: %d %s", a.status, a.body)
	}
}

func TestExplain_RefusesQuestionsThatLeaveOpenWhatIsMeant(t *testing.T) {
	h := newTestAPI(t, Config{})
	for body, says := range map[string]string{
		`{}`:               "action must be",
		`{"action":"fly"}`: "action must be",
		`{"action":"connect","user":"1","token":"x"}`:                        "one of user",
		`{"action":"connect","user":"1","connection":"x"}`:                   "one of user",
		`{"action":"subscribe","user":"1"}`:                                  "topic is missing",
		`{"action":"subscribe","topic":"a"}`:                                 "who subscribes",
		`{"action":"publish","topic":"a","user":"1"}`:                        "as the tenant's own",
		`{"action":"publish","topic":"a"}`:                                   "event is missing",
		`{"action":"publish","event":{"kind":"json","data":{}}}`:             "needs one of topic",
		`{"action":"receive","event":{"kind":"json","data":{}}}`:             "who receives",
		`{"action":"receive","user":"1"}`:                                    "event is missing",
		`{"action":"receive","token":"1","event":{"kind":"json","data":{}}}`: "who receives",
		`{"action":"connect","colour":"red"}`:                                "no member",
		`{"action":7}`:                                                       "must be a string",
	} {
		a := h.do(request("POST", "/api/v1/explain", body))
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d %s, want %q", body, a.status, a.body, says)
		}
	}
}

// A token that is asked about is in no log and no answer.
func TestExplain_KeepsTheTokenToItself(t *testing.T) {
	h := newTestAPI(t, Config{})
	a := h.do(request("POST", "/api/v1/explain", `{"action":"connect","token":"s3cret-t0ken"}`))
	if a.status != http.StatusOK || strings.Contains(a.body+h.log.String(), "s3cret-t0ken") {
		t.Errorf("%d %s\n%s", a.status, a.body, h.log)
	}
}
