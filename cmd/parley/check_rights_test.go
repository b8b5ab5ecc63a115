package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/transport/auth"
)

const (
	anObject      = "610217e481f6fc54736209e0"
	anotherObject = "610217e481f6fc54736209e1"
)

// channels are what a client may ask for: Valtronics' by subscribe, AirLay's by attach.
var channels = []string{
	"telemetry", "telemetry/1", "telemetry/2", "telemetry/10", "alerts", "alerts/1", "devices", "devices/1", "system",
	"issueUpdate/" + anObject, "issueUpdate/" + anotherObject, "datasetUpdate/" + anObject, "datasetUpdate/" +
		anotherObject,
	"uploadFile/" + anObject, "downloadFile/" + anObject, "notification/" + anObject,
}

// rightsTable says which of the channels a token with these topics opens; every other is denied.
var rightsTable = []struct{ topics, opens []string }{
	{[]string{"*"}, channels},
	{[]string{}, nil},
	{[]string{"telemetry"}, []string{"telemetry", "telemetry/1", "telemetry/2", "telemetry/10"}},
	{[]string{"telemetry/1"}, []string{"telemetry/1"}},
	{[]string{"telemetry/*"}, []string{"telemetry/1", "telemetry/2", "telemetry/10"}},
	{[]string{"telemetry/1*"}, []string{"telemetry/10"}}, // * is the rest of a name, and never nothing
	{[]string{"alerts", "devices/1"}, []string{"alerts", "alerts/1", "devices/1"}},
	{[]string{"system"}, []string{"system"}},
	{[]string{"issueUpdate/" + anObject}, []string{"issueUpdate/" + anObject}},
	{[]string{"issueUpdate/*", "uploadFile"}, []string{"issueUpdate/" + anObject, "issueUpdate/" + anotherObject,
		"uploadFile/" + anObject}},
	{[]string{"notification"}, []string{"notification/" + anObject}},
	{[]string{"datasetUpdate/" + anotherObject, "alerts/1"}, []string{"datasetUpdate/" + anotherObject, "alerts/1"}},
	{[]string{"Telemetry", "alert", "devices/1/x", "sys", "issueUpdat", "issueUpdate/6"}, nil},
	{[]string{"tele*", "downloadFile/610217e4*"}, []string{"telemetry", "telemetry/1", "telemetry/2", "telemetry/10",
		"downloadFile/" + anObject}},
}

// reliability.md check 21: over the wire, in two protocols, each of 224 triples of token, channel and action is allowed
// or denied exactly as the table says.
func TestRights_EachTripleIsAllowedOrDeniedAsTheTableSays(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	triples := 0
	for _, row := range rightsTable {
		token := sign(auth.Grant{User: "alice", Topics: row.topics})
		valtronics, airlay := r.logged(token), r.dial("/ws")
		opens := map[string]bool{}
		for _, channel := range row.opens {
			opens[channel] = true
		}
		for _, channel := range channels {
			kind, id, _ := strings.Cut(channel, "/")
			may := false
			if len(id) == len(anObject) {
				may = attaches(t, airlay, token, kind, id)
			} else {
				may = subscribes(t, valtronics, kind, id)
			}
			if triples++; may != opens[channel] {
				t.Errorf("a token for %q may hear %s: %v", row.topics, channel, may)
			}
		}
	}
	if triples < 200 {
		t.Errorf("only %d triples", triples)
	}
}

// subscribes reports whether Valtronics lets the client subscribe to a channel, of one device if it is named.
func subscribes(t *testing.T, conn *websocket.Conn, channel, device string) bool {
	t.Helper()
	if device != "" {
		device = `,"device_id":"` + device + `"`
	}
	say(t, conn, `{"type":"subscribe","channel":"`+channel+`"`+device+`}`)
	say(t, conn, `{"type":"ping"}`)
	answer, err := next(t, conn)
	denied := strings.Contains(answer, `"type":"error"`)
	if denied {
		_, err = next(t, conn) // the pong
	} else if !strings.Contains(answer, "pong") {
		t.Errorf("a subscription to %s%s is answered by %s", channel, device, answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return !denied
}

// attaches reports whether AirLay lets the client attach to an object.
func attaches(t *testing.T, conn *websocket.Conn, token, kind, id string) bool {
	t.Helper()
	say(t, conn, `{"auth":"`+token+`","action":"attach","event":{"type":"`+kind+`","id":"`+id+`"}}`)
	answer, err := next(t, conn)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(answer, `"code":0`)
}

// reliability.md check 22: over the wire, no name that looks like a granted one, or leads out of it, opens anything.
func TestRights_NoNameOpensMoreThanIsGranted(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	token := sign(auth.Grant{User: "alice", Topics: []string{"telemetry/tenantA", "telemetry/caf\u00e9",
		"issueUpdate/" + anObject}})
	conn, airlay := r.logged(token), r.dial("/ws")
	for _, granted := range []string{"tenantA", "caf\u00e9"} {
		if !subscribes(t, conn, "telemetry", granted) {
			t.Errorf("%s is not open", granted)
		}
	}
	long := strings.Repeat("x", 255)
	for _, name := range []string{
		"tenantAB", "tenant", "TENANTA", "tenanta", "tenantA.", "tenantA ", " tenantA", "tenantA%2e", "tenantA%00",
		`tenantA\u0000`, `tenantA\u200b`, `\ufefftenantA`,
		`tenantA\u202e`, `tenantA\n`, ".", "..", "../alerts", "tenantA/..", "tenantA/../tenantB",
		"tenantA/../../alerts", "tenantA/", "/tenantA", "tenantA//x", "*", "tenant*", "#", "?", "+",
		`cafe\u0301`, "CAF\u00c9", `\u0442enantA`, `tenant\u0391`, long[:245], long[:246], long, long + "x",
	} {
		if subscribes(t, conn, "telemetry", name) {
			t.Errorf("%q is open", name)
		}
	}
	for _, id := range []string{strings.ToUpper(anObject), anObject[:23] + `\u0030`, anObject + " ", anObject[:23],
		anObject + "0", "../" + anObject, "%36" + anObject[1:], ""} {
		// that is another way to write the same
		if open := attaches(t, airlay, token, "issueUpdate", id); open != (id == anObject[:23]+`\u0030`) {
			t.Errorf("the object %q is open: %v", id, open)
		}
	}
	for topic, listeners := range map[string]int{"telemetry/tenantA": 1, "telemetry/caf\u00e9": 1,
		"telemetry/tenantAB": 0, "telemetry/tenanta": 0, "telemetry/cafe\u0301": 0, "telemetry": 0, "alerts": 0,
		"issueUpdate/" + strings.ToUpper(anObject): 0} {
		if status, answer := r.post("dev", `{"topic":"`+topic+`","event":{"kind":"telemetry","data":`+aTelemetry+
			`}}`); status != 200 || !strings.Contains(answer, fmt.Sprintf(`"delivered":%d}`, listeners)) {
			t.Errorf("an event in %s: %d %s, want %d delivered", topic, status, answer, listeners)
		}
	}
}
