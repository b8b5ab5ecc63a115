package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// house is where the repository begins.
const house = "../.."

func text(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(house, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The top level is given: a few rooms and a few files.
func TestHouse_TopLevelHoldsOnlyWhatIsAllowed(t *testing.T) {
	allowed := []string{"actors", "transport", "protocol", "cmd", "bench", "go.mod", "go.sum", "Makefile", "README.md",
		"LICENSE", "CHANGELOG.md"}
	ignored := []string{"bin", "data", "parley.yaml"} // by .gitignore
	entries, err := os.ReadDir(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) && !slices.Contains(ignored, name) {
			t.Errorf("%s does not belong on the top level", name)
		}
	}
}

func TestHouse_ReadmeNamesOnlyWhatIsThere(t *testing.T) {
	readme, makefile := text(t, "README.md"), text(t, "Makefile")
	targets := regexp.MustCompile("`make ([a-z]+)").FindAllStringSubmatch(readme, -1)
	if len(targets) < 4 {
		t.Fatalf("the README names %d make targets", len(targets))
	}
	for _, target := range targets {
		if !regexp.MustCompile("(?m)^" + target[1] + ":").MatchString(makefile) {
			t.Errorf("the Makefile has no target %s", target[1])
		}
	}
	var all commands
	model := kong.Must(&all, helpVars()).Model
	for _, used := range regexp.MustCompile("(?:bin/|`)parley ([a-z]+)").FindAllStringSubmatch(readme, -1) {
		if !slices.ContainsFunc(model.Children, func(n *kong.Node) bool { return n.Name == used[1] }) {
			t.Errorf("there is no command parley %s", used[1])
		}
	}
	for _, room := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| [a-z]").FindAllStringSubmatch(between(t, readme,
		"## Layout", "Each package"), -1) {
		if info, err := os.Stat(filepath.Join(house, room[1])); err != nil || !info.IsDir() {
			t.Errorf("the README's map has %s, which is no room", room[1])
		}
	}
}

func TestHouse_TargetsThatAreFixedAreThere(t *testing.T) {
	makefile := text(t, "Makefile")
	for _, target := range []string{"run", "build", "test", "bench", "lint", "fuzz"} {
		if !strings.Contains(makefile, "\n"+target+":") {
			t.Errorf("the Makefile has no target %s", target)
		}
	}
}

// The example in the README is a configuration: only its files are not there.
func TestHouse_ReadmesConfigurationHasNoUnknownKey(t *testing.T) {
	example := strings.TrimPrefix(between(t, text(t, "README.md"), "```yaml\n", "\n```\n"), "```yaml\n")
	path := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, path, example)
	for _, problem := range config.Load(config.Sources{Protocols: protocols.All, File: path}).Problems {
		if !strings.Contains(problem.Text, "no such file") {
			t.Error(problem)
		}
	}
}
