package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestCommands_WhySaysHowAConnectionEndedAndWhyOneWasRefused(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	l := r.listener("--dialect", "notify", "--no-reconnect")
	r.connected(1)
	id := regexp.MustCompile(`"id":"(ws-[0-9]+)"`).FindStringSubmatch(r.call("GET", "/api/v1/connections"))[1]
	why := func(args ...string) outcome {
		return parley(t, nil, append([]string{"why", "--url", r.base}, args...)...)
	}
	if got := why(id); got.status != 0 || !strings.HasPrefix(got.stdout, "connection "+id+" is open\n") {
		t.Errorf("an open connection: %q %q", got.stdout, got.stderr)
	}
	parley(t, nil, "kick", "--url", r.base, id, "--code", "4001", "--reason", "go home")
	l.contains(t, "4001 go home")
	r.connected(0)
	const sentence = "The server closed the connection with code 4001: somebody asked for it: go home."
	for _, what := range []string{id, "listener"} {
		if got := why(what); got.status != 0 || !strings.Contains(got.stdout, sentence) {
			t.Errorf("%s, which was closed: %q %q", what, got.stdout, got.stderr)
		}
	}
	var told record
	if got := why(id, "--output", "json"); json.Unmarshal([]byte(got.stdout), &told) != nil || told.Why != sentence ||
		told.By != "server" || told.Code != 4001 {
		t.Errorf("for scripts: %q", got.stdout)
	}
	if got := why("nobody"); got.status != 1 || !strings.Contains(got.stderr, "nothing is remembered") {
		t.Errorf("a stranger: %d %q", got.status, got.stderr)
	}
}
