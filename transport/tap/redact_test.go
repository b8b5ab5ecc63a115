package tap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors/info"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/protocol"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"

// show is what a tap shows of a client's frame.
func show(data string, loggedIn bool, commands ...protocol.Command) Shown {
	taps := tap.Taps{Outboxes: &outbox.Shared{}}
	p, _ := taps.Open(tap.Target{Tenant: "acme", User: "alice"})
	from := info.Source{User: "alice", LoggedIn: loggedIn}
	taps.Received("acme", 7, from, protocol.ClientMessage{Data: []byte(data)}, commands)
	return Show(<-p.Frames())
}

// The first frames of the protocols, with a JWT and with an opaque token, before the login and again after it.
func TestShow_NoLoginOfAnyProtocolShowsItsToken(t *testing.T) {
	for _, token := range []string{jwt, "k9-opaque"} {
		for _, frame := range []string{
			`{"type":"auth","token":%q}`,
			`{"token":%q}`,
			`{ "auth" : %q , "action":"attach","event":{"type":"issueUpdate","id":"1"}}`,
			`{"type":"auth","token":%q,"token":"x"}`,
			`{"type":"auth","data":{"Access-Token":[{"v":%q}]}}`,
			`{"type":"auth","token":%q`,
			`[{"type":"auth","data":"{\"token\":\"` + token + `\",\"x\":%q}"}]`,
			"{}\n{\"session_id\":%q}\n",
			`token=%s`, `{"headers":{"cookie":"sid=%s"}}`,
		} {
			for _, loggedIn := range []bool{false, true} {
				s := show(fmt.Sprintf(frame, token), loggedIn)
				if shown := s.Raw + string(s.Decoded); strings.Contains(shown, token) {
					t.Errorf("logged in %t, %s: %s", loggedIn, frame, shown)
				}
			}
		}
		for _, frame := range []string{`{"hello":"%s"}`, `{"%s":1}`, `["%[1]s","%[1]s"]`, `{"type":"%s"}`} {
			for _, c := range []protocol.Command{
				protocol.Authenticate{Credential: protocol.Credential{Token: token}},
				protocol.Verify{Credential: protocol.Credential{Token: token}},
			} {
				if s := show(fmt.Sprintf(frame, token), true, c); strings.Contains(s.Raw+string(s.Decoded), token) {
					t.Errorf("%s: %s", frame, s.Raw)
				}
			}
		}
	}
}

func TestShow_TheRestOfAFrameStaysAsItIs(t *testing.T) {
	for in, want := range map[string]string{
		`{ "type":"subscribe", "channel":"alerts","n":[1, 2.50,true,null] }`: "",
		`{"type":"auth", "token" : "x"}`:                                     `{"type":"auth", "token" : "[redacted]"}`,
		`{"token":17,"a":{"secret":{"b":[1,"c"]},"d":"e"}}`: `{"token":"[redacted]","a":{"secret":{"b":` +
			`["[redacted]","[redacted]"]},"d":"e"}}`,
		`[["a"],{"auth":["b"],"c":"d"},"e"]`: `[["a"],{"auth":["[redacted]"],"c":"d"},"e"]`,
		"ping":                               "",
		"secret words":                       "[withheld: 12 bytes that are not JSON]",
	} {
		if want == "" {
			want = in
		}
		if s := show(in, true); s.Raw != want || s.Direction != "in" || s.Kind != "text" {
			t.Errorf("%s: %+v", in, s)
		}
	}
	s := show(`{"type":"hello","name":"alice"}`, false)
	if string(s.Decoded) != `{"type":"hello","name":"[redacted]"}` {
		t.Errorf("before the login: %+v", s)
	}
}

// What the server says may hold a ticket, too.
func TestShow_WhatTheServerSaysIsRedactedAsWell(t *testing.T) {
	for data, want := range map[string]string{
		`{"ticket":"t1","x":"y"}`: `{"ticket":"[redacted]","x":"y"}`,
		"plain words":             "plain words",
		"ticket=t1":               "[withheld: 9 bytes that are not JSON]",
		"\xff":                    "[withheld: 1 bytes that are not JSON]",
	} {
		if s := Show(tap.Frame{Op: outbox.Text, Data: []byte(data)}); s.Raw != want || s.Direction != "out" {
			t.Errorf("%q: %+v", data, s)
		}
	}
}

// No input makes it panic, and no token that the session took is ever shown.
func FuzzShow(f *testing.F) {
	f.Add(`{"type":"auth","token":"k9-opaque"}`)
	f.Add(`[{"a":"{\"b\":\"k9-opaque\"}"},1e400,"\ud800"]`)
	f.Add("{}{}\n[\"k9-opaque\"")
	f.Fuzz(func(t *testing.T, data string) {
		c := protocol.Authenticate{Credential: protocol.Credential{Token: "k9-opaque"}}
		if s := show(data, true, c); strings.Contains(s.Raw, "k9-opaque") {
			t.Errorf("%q: %q", data, s.Raw)
		}
	})
}
