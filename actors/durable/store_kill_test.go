package durable

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

// The test's binary is also the process that is killed: TestMain runs the role that the environment names.
const (
	roleVar = "PARLEY_TEST_ROLE"
	dirVar  = "PARLEY_TEST_DIR"
	// roundsVar raises the number of kills; reliability.md check 47 asks for 100.
	roundsVar = "PARLEY_KILL_ROUNDS"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "publish":
		publishUntilKilled(os.Getenv(dirVar), Config{Partitions: 4})
	case "fail":
		failing := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
			syncs := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData
			if syncs && strings.HasSuffix(op.Path, ".log") && exists(os.Getenv(dirVar)+"/fail") {
				return errorfs.ErrInjected
			}
			return nil
		}))
		publishUntilKilled(os.Getenv(dirVar), Config{Partitions: 4, Files: failing, Fatal: func(sentence string) {
			fmt.Fprintln(os.Stderr, sentence)
			os.Exit(3)
		}})
	default:
		os.Exit(m.Run())
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

const publishers = 16

// publishUntilKilled publishes from many goroutines and prints a line per answer: topic, id, offset.
func publishUntilKilled(dir string, cfg Config) {
	s, err := Open(dir, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for p := range publishers {
		go func() {
			name := fmt.Sprintf("room/%d", p)
			h, err := s.OpenTopic("acme", name, keepAll)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			for answer := make(chan history.Outcome, 1); ; {
				id := rand.Uint64()
				ev := suite.Event(&testing.T{}, fmt.Sprintf("%x", id), 100)
				h.Add(ev, true, time.Now(), func(o history.Outcome) { answer <- o })
				o := <-answer
				if o.Err != nil {
					fmt.Fprintln(os.Stderr, o.Err)
					os.Exit(1)
				}
				h.Settle(o)
				os.Stdout.WriteString(fmt.Sprintf("%s %x %d\n", name, id, o.Position.Offset))
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent ends
	os.Exit(1)
}

// child runs this binary in a role until it has given enough answers, and ends it. The answers, by topic and offset,
// are added to answers.
func child(t *testing.T, role, dir string, answers map[string]string, enough int, end func(*exec.Cmd)) (stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // it prints where it hangs
	cmd.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)
	var errs strings.Builder
	cmd.Stderr = &errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) == 3 {
			answers[f[0]+" "+f[2]] = f[1]
		}
		if count++; count == enough {
			end(cmd)
		}
	}
	_ = cmd.Wait()
	if count < enough {
		t.Fatalf("the child ended after %d answers: %s", count, errs.String())
	}
	return errs.String()
}

// reliability.md check 47: kill -9 in mid publish, at random; each acknowledged publish is there, at its offset, once.
func TestStore_KillsInMidPublishLoseNothingThatWasAnswered(t *testing.T) {
	rounds := 5
	if more, err := strconv.Atoi(os.Getenv(roundsVar)); err == nil {
		rounds = more
	}
	dir, answers := t.TempDir(), map[string]string{}
	for range rounds {
		child(t, "publish", dir, answers, 1+rand.IntN(1000), func(c *exec.Cmd) { _ = c.Process.Kill() })
	}
	start := time.Now()
	j := &logBuffer{}
	s := open(t, dir, Config{Partitions: 4, Logger: j.logger()})
	t.Logf("%d rounds, %d answers; the last start took %s", rounds, len(answers), time.Since(start))
	if took := time.Since(start); took > 2*time.Second && !raceEnabled {
		t.Errorf("the start took %s", took)
	}
	verify(t, s, answers)
	if j.has("level=ERROR") {
		t.Errorf("it complains:\n%s", j)
	}
}

// verify finds every answer, and fails on a gap and on an id that is there twice.
func verify(t *testing.T, s *Store, answers map[string]string) {
	t.Helper()
	found := 0
	for p := range publishers {
		name := fmt.Sprintf("room/%d", p)
		h := topic(t, s, name, keepAll)
		entries, err := h.Read(0, 1<<30, time.Now())
		if err != nil || uint64(len(entries)) != h.Position().Offset {
			t.Fatalf("%s: %d of %d, %v", name, len(entries), h.Position().Offset, err)
		}
		seen := map[string]bool{}
		for _, e := range entries {
			if seen[e.Event.ID] {
				t.Fatalf("%s has %s twice", name, e.Event.ID)
			}
			seen[e.Event.ID] = true
			if id, ok := answers[fmt.Sprintf("%s %d", name, e.Offset)]; ok && id == e.Event.ID {
				found++
			} else if ok {
				t.Fatalf("%s has %s at %d, answered was %s", name, e.Event.ID, e.Offset, id)
			}
		}
	}
	if found != len(answers) {
		t.Fatalf("%d of %d answered publishes are there", found, len(answers))
	}
}

// A failed sync ends the process with a sentence, and nothing is answered after it.
func TestStore_AFailedSyncEndsTheProcessAndAnswersNothingMore(t *testing.T) {
	dir, answers := t.TempDir(), map[string]string{}
	stderr := child(t, "fail", dir, answers, 500, func(*exec.Cmd) {
		if err := os.WriteFile(dir+"/fail", nil, 0o600); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(stderr, "the store of durable topics cannot go on") || strings.Contains(stderr, "panic") {
		t.Errorf("it ended with %q", stderr)
	}
	verify(t, open(t, dir, Config{Partitions: 4}), answers)
}

// A loss of power keeps what was answered: the file system forgets what was not synced.
func TestStore_ALossOfPowerLosesNothingThatWasAnswered(t *testing.T) {
	fs := vfs.NewCrashableMem()
	for round := range 10 {
		s := open(t, "data", Config{Files: fs})
		h := topic(t, s, "room", keepAll)
		offset := h.Position().Offset
		if offset < uint64(round*30) {
			t.Fatalf("round %d begins at %d", round, offset)
		}
		for i := range 30 {
			o := suite.Add(t, h, suite.Event(t, fmt.Sprintf("%d-%d", round, i), 50), true, suite.Begin)
			if o.Position.Offset != offset+uint64(i)+1 {
				t.Fatalf("round %d: %+v", round, o)
			}
		}
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: round * 10, RNG: rng})
		closeStore(t, s)
		fs = crashed
	}
}

// A crash that loses events of relaxed topics which were answered before the disk had them costs the relaxed topics of
// the partition their epoch, and the strict ones nothing.
func TestStore_ALossOfWhatIsRelaxedCostsOnlyRelaxedTopicsTheirEpoch(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, "data", Config{Files: fs, Partitions: 1, SyncEvery: time.Hour})
	relaxedRule := keepAll
	relaxedRule.Relaxed = true
	strict, relaxed := topic(t, s, "strict", keepAll), topic(t, s, "relaxed", relaxedRule)
	for i := range 10 {
		suite.Add(t, relaxed, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin)
		suite.Add(t, strict, suite.Event(t, fmt.Sprint(i), 10), true, suite.Begin)
	}
	for i := range 10 {
		suite.Add(t, relaxed, suite.Event(t, fmt.Sprint("more", i), 10), true, suite.Begin)
	}
	if err := s.commitMarker.file.Sync(); err != nil { // the machine happened to keep it
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	for start := range 2 { // the second finds nothing to complain about
		j := &logBuffer{}
		s = open(t, "data", Config{Files: crashed, Partitions: 1, Logger: j.logger()})
		a, b := topic(t, s, "strict", keepAll).Position(), topic(t, s, "relaxed", relaxedRule).Position()
		if a != strict.Position() {
			t.Errorf("the strict topic is at %+v, was at %+v", a, strict.Position())
		}
		if first := start == 0; (b.Epoch != relaxed.Position().Epoch) != first || b.Offset < 10 || b.Offset >= 20 ||
			j.has("relaxed_topics_only=true") != first {
			t.Errorf("start %d: the relaxed topic is at %+v, was at %+v:\n%s", start, b, relaxed.Position(), j)
		}
		relaxed = topic(t, s, "relaxed", relaxedRule)
		closeStore(t, s)
	}
}
