package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// In a terminal top fills the window, and a key ends it.
func TestCommands_TopShowsAServerInATerminal(t *testing.T) {
	t.Parallel()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		missing(t, "tmux is not installed: apt-get install tmux")
	}
	r := serveDev(t)
	once := parley(t, nil, "top", "--url", r.base, "--once", "--output", "json")
	var report struct{ Connections *int }
	if err := json.Unmarshal([]byte(once.stdout), &report); err != nil || report.Connections == nil {
		t.Errorf("%d %q %q", once.status, once.stdout, once.stderr)
	}
	self := command(t, nil, "top", "--url", r.base)
	socket := filepath.Join(t.TempDir(), "tmux")
	ask := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), tmux, append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
		cmd.Env = append(self.Env, "TERM=xterm", "NO_COLOR=1")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	defer ask("kill-server")
	if said, err := ask("new-session", "-d", "-x", "80", "-y", "24", strings.Join(self.Args, " ")); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	screen := ""
	for late := r.patient(); !strings.Contains(screen, "SUBSCRIBERS"); late() {
		if screen, err = ask("capture-pane", "-p"); err != nil {
			t.Fatalf("%v: %s", err, screen)
		}
		if strings.Contains(screen, "DIALECT") {
			_, _ = ask("send-keys", "Tab")
		}
	}
	if lines := strings.Split(screen, "\n"); !strings.HasPrefix(lines[0], "parley top  "+r.base) ||
		!strings.HasPrefix(lines[23], "tab connections") {
		t.Errorf("the screen is\n%s", screen)
	}
	for late := r.patient(); err == nil; late() { // until the last session has ended
		_, err = ask("send-keys", "q")
	}
}
