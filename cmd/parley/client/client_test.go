package client

import (
	"encoding/json"
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

func TestLine_IsAlwaysOneLineOfJSON(t *testing.T) {
	for _, message := range []string{"{\n \"a\": 1\n}", "ping\nx", "\xff", "", "{}{}"} {
		got := string(line([]byte(message)))
		if strings.Count(got, "\n") != 1 || !json.Valid([]byte(got)) {
			t.Errorf("%q became %q", message, got)
		}
	}
}
