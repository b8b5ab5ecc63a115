package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/completion"
)

// askShell are small programs that load a script (the first argument) and print what it completes for a line (the
// others), one a line. zsh has no completion without a terminal; what its functions are told is printed instead.
var askShell = map[string]string{
	"bash": `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _parley; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `compdef() { }; compadd() { print -l -- "${@:2}" }; _describe() { print -l -- ${(P)2%%:*} }
		_files() { print files }
		source "$1"; shift; words=("$@"); CURRENT=$#; PREFIX=$words[CURRENT]; _parley`,
	"fish": `source $argv[1]; set -l line (string join ' ' -- $argv[2..-1])
		complete -C "$line" | string replace -r '\t.*' ''; true`,
}

// completed is what a shell completes at the end of a line.
func completed(t *testing.T, shell string, line ...string) []string {
	t.Helper()
	program, err := exec.LookPath(shell)
	if err != nil {
		missing(t, shell+" is not installed: apt-get install "+shell)
	}
	var all commands
	script := filepath.Join(t.TempDir(), "script")
	rewrite(t, script, completion.Script(shell, newParser(&all).Model))
	args := []string{"-c", askShell[shell]}
	if shell != "fish" { // $0
		args = append(args, shell)
	}
	cmd := exec.CommandContext(t.Context(), program, append(append(args, script), line...)...)
	cmd.Dir = t.TempDir() // has no files
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, said)
	}
	last := line[len(line)-1]
	return slices.DeleteFunc(strings.Fields(string(said)), func(word string) bool { // as shells do
		return !strings.HasPrefix(word, last)
	})
}

func TestCompletion_ShellsCompleteCommandsFlagsAndValues(t *testing.T) {
	t.Parallel()
	for _, shell := range completion.Shells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				line []string
				want string // one that is completed
				not  string // one that is not
			}{
				{[]string{"parley", "li"}, "listen", "serve"},
				{[]string{"parley", ""}, "context", "add"},
				{[]string{"parley", "context", ""}, "add", "serve"},
				{[]string{"parley", "context", "add", "--key"}, "--key-file", "--kind"},
				{[]string{"parley", "listen", "--dialect", ""}, "airlay", "json"},
				{[]string{"parley", "listen", "--dialect", "notify", "--"}, "--no-reconnect", "--ttl"},
				{[]string{"parley", "history", "--output", "js"}, "json", "text"},
				{[]string{"parley", "completion", ""}, "zsh", "serve"},
				{[]string{"parley", "serve", "--debug"}, "", "--debug-echo"}, // is hidden
			} {
				got := completed(t, shell, c.line...)
				if c.want != "" && !slices.Contains(got, c.want) || slices.Contains(got, c.not) {
					t.Errorf("%q is completed with %q, want %q among them and not %q", c.line, got, c.want, c.not)
				}
			}
		})
	}
}

func TestCommands_CompletionPrintsTheScript(t *testing.T) {
	t.Parallel()
	got := parley(t, nil, "completion", "bash")
	if got.status != 0 || !strings.HasSuffix(got.stdout, "complete -o default -F _parley parley\n") {
		t.Errorf("%d %.200q %q", got.status, got.stdout, got.stderr)
	}
	if got := parley(t, nil, "completion", "tcsh"); got.status != 80 || !strings.Contains(got.stderr, "tcsh") {
		t.Errorf("an unknown shell: %d %q", got.status, got.stderr)
	}
}
