package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mutation is one row: a place of the source, broken, and the tests that must notice.
type mutation struct {
	file     string // from the root of the source
	from, to string // a text that is in the file exactly once, and what stands there instead
	tests    string // a regular expression, as go test -run takes it
	in       string // the package of the tests; "" is that of the file
	proves   string // the requirement, check, fault or promise that is broken
}

// result is what became of a mutation.
type result struct {
	mutation
	noticed bool
	why     string
	took    time.Duration
}

// String is one line, and for what was not noticed the output of the tests behind it.
func (v result) String() string {
	how := "noticed"
	if !v.noticed {
		how = "MISSED "
	}
	return fmt.Sprintf("%s %5.1fs  %-12s %s: %q -> %q (%s) %s", how, v.took.Seconds(), v.proves, v.file, short(v.from),
		short(v.to), v.tests, v.why)
}

// short is a text of at most 60 bytes on one line.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), 60)]
}

// broken is the file with the mutation in it.
func (m mutation) broken(house string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(house, filepath.FromSlash(m.file)))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.from)); n != 1 {
		return nil, fmt.Errorf("%s has %q %d times, not once", m.file, m.from, n)
	}
	if m.from == m.to {
		return nil, errors.New("nothing is broken")
	}
	return bytes.Replace(source, []byte(m.from), []byte(m.to), 1), nil
}

// where is the package of the tests.
func (m mutation) where() string {
	if m.in != "" {
		return "./" + m.in
	}
	return "./" + filepath.ToSlash(filepath.Dir(m.file))
}

// try runs the tests over the broken source. It blocks for up to limit.
func (m mutation) try(ctx context.Context, house string, limit time.Duration) result {
	began := time.Now()
	v := result{mutation: m}
	v.noticed, v.why = m.notice(ctx, house, limit)
	v.took = time.Since(began)
	return v
}

func (m mutation) notice(ctx context.Context, house string, limit time.Duration) (noticed bool, why string) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err.Error()
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(house, dir)
	if err != nil {
		return false, err.Error()
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-timeout="+limit.String(), "-run="+m.tests,
		"-overlay="+overlay, m.where())
	cmd.Dir = house
	output, err := cmd.CombinedOutput()
	text := string(output)
	switch {
	case err == nil && strings.Contains(text, "no tests to run"):
		return false, "no test has this name"
	case err == nil:
		return false, "the tests pass"
	case strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]"):
		return false, "it does not compile:\n" + text
	case ctx.Err() != nil:
		return false, "given up"
	}
	return true, ""
}

// overlay writes the broken file, and the list by which the compiler takes it for the real one.
func (m mutation) overlay(house, dir string) (string, error) {
	source, err := m.broken(house)
	if err != nil {
		return "", err
	}
	broken := filepath.Join(dir, "broken.go")
	if err := os.WriteFile(broken, source, 0o600); err != nil {
		return "", err
	}
	real, err := filepath.Abs(filepath.Join(house, filepath.FromSlash(m.file)))
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {real: broken}})
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, "overlay.json")
	return at, os.WriteFile(at, list, 0o600)
}
