package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// CONTRIBUTING names only commands, files and links that are there.
func TestContributing_NamesOnlyWhatIsThere(t *testing.T) {
	guide, makefile := text(t, ".github/CONTRIBUTING.md"), text(t, "Makefile")
	targets := regexp.MustCompile("`make ([a-z]+)").FindAllStringSubmatch(guide, -1)
	if len(targets) < 8 {
		t.Fatalf("it names %d make targets", len(targets))
	}
	for _, target := range targets {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("the Makefile has no target %s", target[1])
		}
	}
	paths := regexp.MustCompile("`(\\.ci/[a-z]+|(?:actors|bench|cmd|protocol|transport)/[a-zA-Z_./]+)`").
		FindAllStringSubmatch(guide, -1)
	links := regexp.MustCompile(`\]\(([^)#]+)(?:#[a-z]+)?\)`).FindAllStringSubmatch(guide, -1)
	if len(paths) < 6 || len(links) < 3 {
		t.Fatalf("it names %d files and has %d links", len(paths), len(links))
	}
	for _, path := range paths {
		isThere(t, path[1])
	}
	for _, link := range links {
		isThere(t, filepath.Join(".github", link[1]))
	}
	if !strings.Contains(text(t, "README.md"), "\n## Layout\n") {
		t.Error("README has no heading Layout, which it links to")
	}
}

func isThere(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(house, path)); err != nil {
		t.Error(err)
	}
}

// The workflow runs what a contributor can run, .ci/run, with the Go of go.mod, and may only read.
func TestWorkflow_RunsContinuousIntegration(t *testing.T) {
	var workflow struct {
		On          map[string]any    `yaml:"on"`
		Permissions map[string]string `yaml:"permissions"`
		Jobs        map[string]struct {
			RunsOn  string `yaml:"runs-on"`
			Timeout int    `yaml:"timeout-minutes"`
			Steps   []struct {
				Uses, Run string
				With      map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, ".github/workflows/ci.yml")), &workflow); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"push", "pull_request"} {
		if _, ok := workflow.On[event]; !ok {
			t.Errorf("it does not run on %s", event)
		}
	}
	if len(workflow.Permissions) != 1 || workflow.Permissions["contents"] != "read" {
		t.Errorf("it may %v", workflow.Permissions)
	}
	job, ok := workflow.Jobs["ci"]
	if !ok || job.RunsOn != "ubuntu-latest" || job.Timeout == 0 {
		t.Fatalf("its jobs are %+v", workflow.Jobs)
	}
	var ran []string
	pinned := regexp.MustCompile(`^actions/[a-z-]+@v\d+$`)
	for _, step := range job.Steps {
		if step.Run != "" {
			ran = append(ran, step.Run)
		} else if !pinned.MatchString(step.Uses) {
			t.Errorf("%s is not pinned by its major version", step.Uses)
		}
		if strings.HasPrefix(step.Uses, "actions/setup-go@") && step.With["go-version-file"] != "go.mod" {
			t.Errorf("Go's version is not that of go.mod: %v", step.With)
		}
	}
	if len(ran) != 1 || ran[0] != ".ci/run" {
		t.Errorf("it runs %q", ran)
	}
	if info, err := os.Stat(filepath.Join(house, ".ci/run")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf(".ci/run cannot be run: %v", err)
	}
}

// Editors and the figures of the source agree on the last column and the width of a tab.
func TestEditorConfig_SaysWhatTheFiguresMeasure(t *testing.T) {
	editor, figures := text(t, ".editorconfig"), text(t, "bench/house/size.go")
	_, code, found := strings.Cut(editor, "\n[{*.go,Makefile,go.mod}]\n")
	code, _, _ = strings.Cut(code, "\n[")
	if !found || !strings.Contains(code, "indent_style = tab\n") {
		t.Fatalf("it indents Go and the Makefile by %q", code)
	}
	for setting, constant := range map[string]string{"max_line_length": "columns ", "tab_width": "tabWidth"} {
		value := regexp.MustCompile(setting + ` = (\d+)\n`).FindStringSubmatch(code)
		if value == nil || !strings.Contains(figures, "\t"+constant+" = "+value[1]+"\n") {
			t.Errorf("%s is %q, and %s in bench/house something else", setting, value, constant)
		}
	}
	for _, all := range []string{"end_of_line = lf\n", "insert_final_newline = true\n"} {
		if !strings.Contains(editor, all) {
			t.Errorf("it does not say %s", all)
		}
	}
}
