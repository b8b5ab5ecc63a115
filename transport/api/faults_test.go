package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/protocol"
)

// InjectFault keeps the fault.
func (n *fakeNode) InjectFault(tenant string, spec fault.Spec) (fault.Info, error) {
	if err := n.check(tenant); err != nil {
		return fault.Info{}, err
	}
	n.injected = append(n.injected, fault.Info{Spec: spec, ID: "fault-1", Began: noon, Ends: noon.Add(time.Minute)})
	return n.injected[len(n.injected)-1], nil
}

func (n *fakeNode) Faults(string) []fault.Info {
	if n.panics {
		panic("as the test wants")
	}
	return n.injected
}

func (n *fakeNode) EndFault(tenant, id string) (fault.Info, error) {
	if err := n.check(tenant); err != nil {
		return fault.Info{}, err
	}
	return fault.Info{ID: id, Spec: fault.Spec{Kind: fault.Mute, Percent: 100}, Began: noon, Ends: noon}, nil
}

func TestFaults_AreRefusedWhereTheyAreOff(t *testing.T) {
	h := newTestAPI(t, Config{})
	for _, r := range []*http.Request{request("PUT", "/api/v1/faults", `{"kind":"drop"}`),
		request("GET", "/api/v1/faults", ""), request("DELETE", "/api/v1/faults/fault-1", "")} {
		h.do(r).refuses(protocol.Forbidden, "production", "api.faults")
	}
	if len(h.node.injected) > 0 {
		t.Errorf("%+v", h.node.injected)
	}
}

func TestFaults_AreReadAndListed(t *testing.T) {
	h := newTestAPI(t, Config{Faults: true})
	const made = `{"id":"fault-1","kind":"delay","user":"7","topic":"a","connection":"ws-1","dialect":"notify",` +
		`"delay":"1.5s","percent":30,"seed":9,"began":"2026-01-31T12:00:00Z","ends":"2026-01-31T12:01:00Z","hits":0}`
	h.call("PUT", "/api/v1/faults", `{"kind":"delay","user":7,"topic":"a","connection":"ws-1","dialect":"notify",`+
		`"delay":"1500ms","percent":30,"for":"2m","seed":9}`).is(200, made)
	if got := h.node.injected[0].For; got != 2*time.Minute {
		t.Errorf("for %s", got)
	}
	h.call("GET", "/api/v1/faults", "").is(200, `{"faults":[`+made+`]}`)
	if a := h.call("DELETE", "/api/v1/faults/fault-7", ""); !strings.Contains(a.body, `"id":"fault-7","kind":"mute"`) {
		t.Errorf("%+v", a)
	}
	h.call("PUT", "/api/v1/faults", `{"kind":"drop","percent":0,"for":"0s"}`)
	if last := h.node.injected[len(h.node.injected)-1]; last.Percent >= 0 || last.For >= 0 {
		t.Errorf("0 stands for the default: %+v", last)
	}
	for body, says := range map[string]string{`{"kind":7}`: "a string", `{"kind":"drop","percent":"x"}`: "an integer",
		`{"kind":"drop","for":"long"}`: "a duration", `{"kind":"drop","for":7}`: "a string",
		`{"kind":"drop","colour":"red"}`: "no member"} {
		h.call("PUT", "/api/v1/faults", body).refuses(protocol.Malformed, says)
	}
}
