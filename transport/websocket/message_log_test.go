package websocket

import "testing"

// R001.68: the type of a message is found in each protocol, and nothing that might be a secret.
func TestMessageType_IsAWordOfAProtocolAndNeverMore(t *testing.T) {
	for message, want := range map[string][2]string{
		`{"type":"subscribe","channel":"alerts"}`:                             {"subscribe", "alerts"},
		`{"event":"heartbeat","timestamp":1.5}`:                               {"heartbeat", ""},
		`{"message_type":"message","message":"secret"}`:                       {"message", ""},
		`{"auth":"secret","action":"attach","event":{"type":"notification"}}`: {"attach", ""},
		`{"instruction":1,"args":{}}`:                                         {"1", ""},
		`{"type":"a\nb","channel":"x y"}`:                                     {"", ""},
		`{"type":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}`:                {"", ""},
		`{"type":"0123456789abcdef0123456789abcdef0"}`:                        {"", ""},
		`{"token":"secret"}`:                                                  {"", ""},
		`ping`:                                                                {"", ""},
		`[]`:                                                                  {"", ""},
		``:                                                                    {"", ""},
		`{"type":null,"channel":{}}`:                                          {"", ""},
	} {
		if word, channel := messageType([]byte(message)); word != want[0] || channel != want[1] {
			t.Errorf("%s is %q in %q, want %q", message, word, channel, want)
		}
	}
}
