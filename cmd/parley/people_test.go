package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
)

// alerts publishes n alerts of device 1.
func (r *running) alerts(n int) {
	r.t.Helper()
	for i := range n {
		body := fmt.Sprintf(`{"event":{"kind":"alert","data":{"alert_id":%d,"device_id":1,"severity":"critical",`+
			`"title":"Hot\u001b[2J","message":"Too hot"}}}`, i+1)
		if status, answer := r.post("dev", body); status != 200 {
			r.t.Fatalf("publish: %d %s", status, answer)
		}
	}
}

// A history of several pages comes whole, from a position, or its last events alone, for people and for scripts.
func TestCommands_HistoryPrintsWhatATopicRetains(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	r.alerts(230)
	first := parley(t, nil, "history", "--url", r.base, "alerts/1", "--output", "json")
	lines := strings.Split(strings.TrimSpace(first.stdout), "\n")
	const retained = 128 // by default; a page has 100
	if first.status != 0 || len(lines) != retained {
		t.Fatalf("status %d, %d lines, %s", first.status, len(lines), first.stderr)
	}
	var event struct {
		Epoch, Kind string
		Offset      int
		Data        struct {
			ID int `json:"alert_id"`
		}
	}
	if err := json.Unmarshal([]byte(lines[retained-1]), &event); err != nil || event.Offset != 230 ||
		event.Data.ID != 230 || event.Kind != "alert" || event.Epoch == "" {
		t.Errorf("%+v %v", event, err)
	}
	after := fmt.Sprintf("%s:%d", event.Epoch, 228)
	for _, args := range [][]string{{"--last", "2"}, {"--after", after}, {"--after", after, "--last", "5"}} {
		got := parley(t, nil, append([]string{"history", "--url", r.base, "alerts/1"}, args...)...)
		if got.status != 0 || strings.Count(got.stdout, "\n") != 2 || strings.Contains(got.stdout, "\x1b") ||
			!strings.Contains(got.stdout, event.Epoch+":230 alert {") {
			t.Errorf("%v: %d %q %q", args, got.status, got.stdout, got.stderr)
		}
	}
	lost := parley(t, nil, "history", "--url", r.base, "alerts/1", "--after", "XXXXXXXXXXXX:7")
	if lost.status != 1 || !strings.Contains(lost.stderr, "refused: position_lost") {
		t.Errorf("a position of another epoch: %d %q", lost.status, lost.stderr)
	}
}

func TestCommands_KickClosesAConnectionOrAUser(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	notify := func() *spoken {
		l := r.listener("--dialect", "notify", "--no-reconnect")
		r.connected(1)
		return l
	}
	l := notify()
	if got := parley(t, nil, "kick", "--url", r.base, "listener"); got.stdout != "1 connection was closed\n" {
		t.Errorf("a user: %q %q", got.stdout, got.stderr)
	}
	l.contains(t, "the server closed the connection")
	r.connected(0)
	l = notify()
	id := regexp.MustCompile(`"id":"(ws-[0-9]+)"`).FindStringSubmatch(r.call("GET", "/api/v1/connections"))[1]
	got := parley(t, nil, "kick", "--url", r.base, id, "--code", "4001", "--reason", "go home", "--output", "json")
	if got.status != 0 || got.stdout != `{"disconnected":1}`+"\n" {
		t.Errorf("a connection: %q %q", got.stdout, got.stderr)
	}
	l.contains(t, "4001 go home")
	for _, args := range [][]string{{id}, {"--user", id}, {"nobody"}} {
		got = parley(t, nil, append([]string{"kick", "--url", r.base}, args...)...)
		if got.status != 1 || !strings.Contains(got.stderr, "is here now") {
			t.Errorf("%v, who is not there: %d %q", args, got.status, got.stderr)
		}
	}
}

// A context is what commands talk to without --url, and its key goes nowhere else.
func TestCommands_AContextNamesAServerAndAKey(t *testing.T) {
	t.Parallel()
	r := serve(t, nil, "--config", tenantFile(t, firstKey, firstAPIKey))
	home := t.TempDir()
	key := filepath.Join(home, "key")
	rewrite(t, key, firstAPIKey+"\n")
	environ := []string{"XDG_CONFIG_HOME=" + home, "HOME=" + home}
	run := func(want int, args ...string) outcome {
		t.Helper()
		got := parley(t, environ, args...)
		if got.status != want {
			t.Errorf("%v: status %d, %q %q", args, got.status, got.stdout, got.stderr)
		}
		return got
	}
	run(0, "context", "add", "other", "--url", "http://127.0.0.1:1")
	run(0, "context", "add", "prod", "--url", r.base, "--key-file", key)
	publish := []string{"publish", "--kind", "json", "--all", "{}"}
	run(2, publish...) // other is the current one, and nobody is there
	run(0, append(publish, "--context", "prod")...)
	run(0, "context", "use", "prod")
	run(0, publish...)
	if got := run(1, append(publish, "--url", r.base)...); !strings.Contains(got.stderr, "refused: ") {
		t.Errorf("the key of a context was shown to a server that a flag names: %q", got.stderr)
	}
	run(1, append(publish, "--key", "wrong")...)
	if got := run(0, "context", "list"); !regexp.MustCompile(`(?m)^\* +prod +`+r.base).MatchString(got.stdout) ||
		strings.Contains(got.stdout, firstAPIKey) {
		t.Errorf("the list is\n%s", got.stdout)
	}
	if got := run(0, "context", "list", "--output", "json"); !json.Valid([]byte(got.stdout)) {
		t.Errorf("the list is %s", got.stdout)
	}
	run(1, "context", "use", "nobody")
	environ = append(environ, "PARLEY_CONTEXT=other")
	run(2, publish...)
	rewrite(t, filepath.Join(home, "parley", "contexts.json"), "{")
	if got := run(1, publish...); !strings.Contains(got.stderr, "contexts.json") {
		t.Errorf("a broken file: %q", got.stderr)
	}
}

// Tests of applications listen on port 0, and read the addresses in a file that is there while the server serves.
func TestCommands_ServeWritesItsAddressesIntoTheReadyFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "ready.json")
	rewrite(t, name, "of a server before")
	r := serveDev(t, "--ready-file", name)
	for late := r.patient(); ; late() {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the server has begun, and does not serve yet
		}
		var said readiness
		if err := json.Unmarshal(content, &said); err != nil {
			t.Fatalf("%q: %v", content, err) // it is whole whenever it is there
		}
		if said.URL != r.base || said.Internal != r.base || said.PID != r.cmd.Process.Pid || said.Address == "" {
			t.Errorf("it says %s, the server is at %s", content, r.base)
		}
		break
	}
	r.signal(syscall.SIGTERM)
	if status := r.exit(); status != 0 {
		t.Errorf("status %d", status)
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a server that has ended is still ready: %v", err)
	}
	got := parley(t, nil, "serve", "--dev", "--listen", "127.0.0.1:0", "--ready-file", filepath.Join(name, "x"))
	if got.status != 1 || !strings.Contains(got.stderr, "--ready-file: ") {
		t.Errorf("a file that cannot be written: %d %q", got.status, got.stderr)
	}
}

// An operator sees what a client and the server say to each other, but no token.
func TestCommands_TapPrintsTheFramesOfAUserAndATopic(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	tap := func(args ...string) *spoken {
		cmd := command(t, nil, append([]string{"tap", "--url", r.base}, args...)...)
		return speakAs(t, cmd.Env, cmd.Path, cmd.Args[1:]...)
	}
	user, topic := tap("--user", "listener"), tap("--topic", "alerts/1", "--output", "json")
	r.log.contains(t, "an operator taps frames", "/users/listener/tap")
	r.log.contains(t, "an operator taps frames", "/topics/alerts%2F1/tap")
	listener := r.listener("--dialect", "valtronics", "alerts/1")
	r.subscribed(1, "alerts/1")
	r.alerts(1)
	user.contains(t, " -> ws-", "valtronics", `"type":"subscribe"`)
	heard := user.contains(t, " <- ws-", "valtronics", `"title":"Hot`)
	topic.contains(t, `"direction":"out"`, `"decoded":{"type":"alert"`)
	id := regexp.MustCompile(`ws-[0-9]+`).FindString(heard)
	one := tap(id)
	r.log.contains(t, "an operator taps frames", "/connections/"+id+"/tap")
	_ = listener.cmd.Process.Kill()
	one.contains(t, "end ", "the connection ended")
	if got := parley(t, nil, "tap", "--url", r.base, "ws-99"); got.status != 1 {
		t.Errorf("%d %q", got.status, got.stderr)
	}
}

// In dev mode a server misbehaves when it is told to; one in production does not.
func TestCommands_FaultsHitClientsAndEnd(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	listener := r.listener("--dialect", "valtronics", "alerts/1")
	r.subscribed(1, "alerts/1")
	faults := func(want string, args ...string) {
		t.Helper()
		got := parley(t, nil, append(append([]string{"faults"}, args...), "--url", r.base)...)
		if got.status != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("%v: %d %q %q", args, got.status, got.stdout, got.stderr)
		}
	}
	faults("fault-1 drop 100% of user listener, 0 hit", "add", "drop", "--user", "listener")
	r.alerts(1)
	faults("fault-1 drop 100% of user listener, 1 hit", "list")
	faults(`"hits":1}`, "end", "fault-1", "--output", "json")
	faults("", "list")
	faults("fault-2 cut 100% of everybody, 1 hit, 0s left", "add", "cut")
	listener.contains(t, "connecting again")
	r.log.contains(t, "a fault is injected", "fault-2")
	strict := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_API_FAULTS=false"}, "--dev", "--feed=false")
	got := parley(t, nil, "faults", "add", "cut", "--url", strict.base)
	if got.status != 1 || !strings.Contains(got.stderr, "forbidden") || !strings.Contains(got.stderr, "production") {
		t.Errorf("%d %q", got.status, got.stderr)
	}
}

// README has a row for each command that is not hidden, and what their statuses mean.
func TestHouse_ReadmeHasARowForEachCommand(t *testing.T) {
	var all commands
	readme := text(t, "README.md")
	for _, leaf := range newParser(&all).Model.Leaves(true) {
		name := leaf.FullPath()
		if !regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(name) + "[ `]").MatchString(readme) {
			t.Errorf("README's table of commands has no row for %s", name)
		}
	}
}

// A flag whose value is one of a few says so in its help, and every command has one.
func TestCommands_EachOneHasAHelp(t *testing.T) {
	var all commands
	err := kong.Visit(newParser(&all).Model, func(v kong.Visitable, next kong.Next) error {
		switch v := v.(type) {
		case *kong.Node:
			if v.Type == kong.CommandNode && v.Help == "" {
				t.Errorf("%s has no help", v.FullPath())
			}
		case *kong.Flag:
			if v.Help == "" && !v.Hidden {
				t.Errorf("--%s has no help", v.Name)
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Error(err)
	}
}
