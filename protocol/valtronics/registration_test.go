package valtronics

import (
	"bytes"
	"testing"
)

func TestClient_TopicsBecomeChannelsAndDevices(t *testing.T) {
	frames, err := subscriptions("", []string{"telemetry/1", "alerts"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"channel":"telemetry","device_id":"1","type":"subscribe"},{"channel":"alerts","type":"subscribe"}`
	if got := bytes.Join(frames, []byte(",")); string(got) != want {
		t.Errorf("got %s", got)
	}
	if all, err := subscriptions("", nil); err != nil || len(all) != 4 {
		t.Errorf("no topics: %s %v", all, err)
	}
	for _, topic := range []string{"", "/1", "telemetry/"} {
		if _, err := subscriptions("", []string{topic}); err == nil {
			t.Errorf("%q is a topic", topic)
		}
	}
}

func TestClient_IsInWhenTheServerSaysSo(t *testing.T) {
	for frame, want := range map[string]struct {
		in  bool
		err string
	}{
		`{"type":"auth_response","success":true}`: {in: true},
		`{"type":"alert"}`:                        {},
		`no JSON`:                                 {},
		`{"type":"auth_response","success":false,"message":"no","error":"invalid_token"}`: {
			err: "refused: invalid_token: no",
		},
		`{"type":"auth_response","message":"over","error":"token_expired"}`: {err: "refused: token_expired: over"},
	} {
		in, err := admitted([]byte(frame))
		if in != want.in || (err != nil) != (want.err != "") || err != nil && err.Error() != want.err {
			t.Errorf("%s: %v %v", frame, in, err)
		}
	}
	if got := login("a\"b"); len(got) != 1 || string(got[0]) != `{"token":"a\"b","type":"auth"}` {
		t.Errorf("the login is %s", got)
	}
}
