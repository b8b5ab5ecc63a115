package dialecttest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Transcript is one file.
type Transcript struct {
	// Name is the file's name without its ending.
	Name  string
	File  string
	Steps []Step
}

// Step is one line. The verb says which fields are set.
type Step struct {
	Line int
	Verb Verb
	// Text is what follows the verb: a frame, a pattern, a path, a name, a body, a close reason, the key of a setting,
	// the name of a header.
	Text string
	// Value is a setting's or a header's value.
	Value string
	// Code is a close code or an HTTP status.
	Code int
	Time time.Duration
}

// Verb says what a step does.
type Verb string

// The verbs.
const (
	Set     Verb = "set"
	Header  Verb = "header"
	Open    Verb = "path"
	As      Verb = "as"
	Refused Verb = "refused"
	Text    Verb = "C"
	Binary  Verb = "B"
	Hears   Verb = "S"
	Ends    Verb = "E"
	Silence Verb = "silence"
	Wait    Verb = "wait"
	Publish Verb = "publish"
	Leave   Verb = "leave"
)

// Bounds of a transcript.
const (
	maxSteps  = 100_000
	maxRepeat = 10_000
	maxLine   = 1 << 20
)

// quiet is how long a silence without a time lasts.
const quiet = 100 * time.Millisecond

// Load reads the transcripts that match the pattern, sorted by name. It fails the test if there are none.
func Load(t testing.TB, files fs.FS, pattern string) []Transcript {
	t.Helper()
	names, err := fs.Glob(files, pattern)
	if err != nil {
		t.Fatalf("transcripts %s: %v", pattern, err)
	}
	if len(names) == 0 {
		t.Fatalf("no transcript matches %s", pattern)
	}
	transcripts := make([]Transcript, 0, len(names))
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		transcript, err := Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		transcripts = append(transcripts, transcript)
	}
	return transcripts
}

// Parse reads one transcript. The error names file and line.
func Parse(file string, data []byte) (Transcript, error) {
	transcript := Transcript{Name: strings.TrimSuffix(path.Base(file), ".txt"), File: file}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		step, times, err := parseStep(line)
		if err != nil {
			return Transcript{}, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		step.Line = n
		if len(transcript.Steps)+times > maxSteps {
			return Transcript{}, fmt.Errorf("%s:%d: more than %d steps", file, n, maxSteps)
		}
		for range times {
			transcript.Steps = append(transcript.Steps, step)
		}
	}
	if err := lines.Err(); err != nil {
		return Transcript{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(transcript.Steps) == 0 {
		return Transcript{}, fmt.Errorf("%s: no step in it", file)
	}
	return transcript, nil
}

// parseStep reads one line, and how many times it is to be done.
func parseStep(line string) (step Step, times int, err error) {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if verb != "repeat" {
		step, err = parseVerb(Verb(verb), rest)
		return step, 1, err
	}
	count, what, _ := strings.Cut(rest, " ")
	if times, err = strconv.Atoi(count); err != nil || times < 1 || times > maxRepeat {
		return step, 0, fmt.Errorf("repeat wants a number from 1 to %d, not %q", maxRepeat, count)
	}
	verb, rest, _ = strings.Cut(strings.TrimSpace(what), " ")
	step, err = parseVerb(Verb(verb), strings.TrimSpace(rest))
	return step, times, err
}

func parseVerb(verb Verb, rest string) (Step, error) {
	step := Step{Verb: verb, Text: rest}
	var err error
	switch verb {
	case Text, Open, As, Publish:
		if rest == "" {
			err = fmt.Errorf("%s wants something behind it", verb)
		}
	case Hears:
		err = checkPattern(rest)
	case Leave:
		if rest != "" {
			err = fmt.Errorf("nothing may stand behind leave")
		}
	case Set, Header:
		if step.Text, step.Value, _ = strings.Cut(rest, " "); step.Value == "" {
			err = fmt.Errorf("%s wants a key and a value", verb)
		}
	case Binary:
		var raw []byte
		raw, err = hex.DecodeString(rest)
		step.Text = string(raw)
	case Ends, Refused:
		code, reason, _ := strings.Cut(rest, " ")
		step.Text = reason
		step.Code, err = strconv.Atoi(code)
	case Silence, Wait:
		if rest == "" && verb == Silence {
			step.Time = quiet
			break
		}
		if step.Time, err = time.ParseDuration(rest); err == nil && (step.Time < 0 || step.Time > 1000*time.Hour) {
			err = fmt.Errorf("%s is no sensible time", rest)
		}
	default:
		err = fmt.Errorf("unknown step %q", verb)
	}
	return step, err
}
