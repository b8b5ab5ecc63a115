package client

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestEndpoint_IsMadeOfWhatAUserWrites(t *testing.T) {
	cases := []struct{ base, web, want string }{
		{"http://127.0.0.1:8000", "ws", "ws://127.0.0.1:8000/ws"},
		{"127.0.0.1:8000", "ws", "ws://127.0.0.1:8000/ws"},
		{"https://push.example.org/", "ws", "wss://push.example.org/ws"},
		{"wss://push.example.org", "http", "https://push.example.org/ws"},
		{"ws://localhost:1/ws/telemetry", "ws", "ws://localhost:1/ws/telemetry"},
		{"http://[::1]:8000", "http", "http://[::1]:8000/ws"},
	}
	for _, c := range cases {
		u, err := endpoint(c.base, c.web, "/ws")
		if err != nil || u.String() != c.want {
			t.Errorf("%s as %s: %v %v, want %s", c.base, c.web, u, err, c.want)
		}
	}
	for _, base := range []string{"", "ftp://x", "http://", "://", "\x1b"} {
		if u, err := endpoint(base, "ws", "/ws"); err == nil {
			t.Errorf("%q made %s", base, u)
		}
	}
}

func TestValtronics_TopicsBecomeChannelsAndDevices(t *testing.T) {
	wants, err := valtronicsWants("", []string{"telemetry/1", "alerts"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(wants)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"channel":"telemetry","device_id":"1","type":"subscribe"},{"channel":"alerts","type":"subscribe"}]`; string(text) != want {
		t.Errorf("got %s", text)
	}
	if all, err := valtronicsWants("", nil); err != nil || len(all) != 4 {
		t.Errorf("no topics: %v %v", all, err)
	}
	for _, topic := range []string{"", "/1", "telemetry/"} {
		if _, err := valtronicsWants("", []string{topic}); err == nil {
			t.Errorf("%q is a topic", topic)
		}
	}
}

func TestLine_IsAlwaysOneLineOfJSON(t *testing.T) {
	for _, message := range []string{"{\n \"a\": 1\n}", "ping\nx", "\xff", "", "{}{}"} {
		got := string(line([]byte(message)))
		if strings.Count(got, "\n") != 1 || !json.Valid([]byte(got)) {
			t.Errorf("%q became %q", message, got)
		}
	}
}

func TestOpenings_ShowTheTokenWhereTheDialectWantsIt(t *testing.T) {
	const uuid = "0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d"
	for dialect, c := range map[string]struct {
		topics []string
		want   opening
	}{
		"notify":            {nil, opening{path: "/api/v1/ws", query: url.Values{"access_token": {"T"}}}},
		"authentik":         {nil, opening{path: "/ws/client/", header: http.Header{"Cookie": {"authentik_session=T"}}}},
		"authentik_outpost": {[]string{uuid}, opening{path: "/ws/outpost/" + uuid + "/", header: http.Header{"Authorization": {"Bearer T"}, "User-Agent": {"goauthentik.io/outpost/parley"}}}},
		"airlay":            {nil, opening{path: "/ws"}},
	} {
		if got, err := speeches[dialect].opening("T", c.topics); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v, want %+v", dialect, got, err, c.want)
		}
	}
	for _, topics := range [][]string{nil, {"a", "b"}} {
		if got, err := outpostOpening("T", topics); err == nil {
			t.Errorf("outposts %v: %+v", topics, got)
		}
	}
	if _, err := nothing("T", []string{"alerts"}); err == nil {
		t.Error("notify can ask for a topic")
	}
}

func TestAirLay_TopicsBecomeAttachments(t *testing.T) {
	wants, err := airlayWants("T", []string{"issueUpdate/610217e481f6fc54736209e0", "notification"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(wants)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"action":"attach","auth":"T","event":{"id":"610217e481f6fc54736209e0","type":"issueUpdate"}},{"action":"attach","auth":"T","event":{"type":"notification"}}]`; string(text) != want {
		t.Errorf("got %s", text)
	}
	if in, err := airlayAdmitted([]byte(`{"status":200,"message":"Ok","code":0}`)); !in || err != nil {
		t.Errorf("Ok: %v %v", in, err)
	}
	if in, err := airlayAdmitted([]byte(`{"status":400,"message":"Invalid token","code":2}`)); in || err == nil {
		t.Errorf("Invalid token: %v %v", in, err)
	}
}
