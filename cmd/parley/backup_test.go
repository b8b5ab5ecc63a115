package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/backup"
)

// backedUp makes a backup and fails unless it is there and nothing beside it.
func backedUp(t *testing.T, dir, file string) {
	t.Helper()
	if o := parley(t, nil, "backup", "--data", dir, "--to", file); o.status != 0 ||
		!strings.Contains(o.stdout, file+" holds ") {
		t.Fatalf("backup: %+v", o)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("beside it lies %v", left)
	}
}

func restored(t *testing.T, file, dir string) {
	t.Helper()
	if o := parley(t, nil, "restore", "--from", file, "--data", dir); o.status != 0 ||
		!strings.Contains(o.stdout, "new epochs") {
		t.Fatalf("restore: %+v", o)
	}
}

// F5: a backup of a server that runs, with publishes going on, and one of a directory that nobody has open. The
// restored one has all that was answered before the backup, in order; readers from before are told.
func TestBackup_OfAServerThatRunsAndOfOneThatDoesNot(t *testing.T) {
	t.Parallel()
	dir, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup.tar")
	r := serving(t, dir, "orders")
	five := r.numbered("orders", 1, 5)
	backedUp(t, dir, file)
	ten := r.numbered("orders", 6, 10)
	if ids, lost := r.behind(five); lost || len(ids) != 5 {
		t.Errorf("the backup cost a reader its place: %v, lost %v", ids, lost)
	}
	r.kill()
	second := filepath.Join(filepath.Dir(file), "second.tar")
	backedUp(t, dir, second)
	if o := parley(t, nil, "restore", "--from", file, "--data", dir); o.status == 0 ||
		!strings.Contains(o.stderr, "is not empty") {
		t.Errorf("restore over a life: %+v", o)
	}
	if o := parley(t, nil, "backup", "--data", dir, "--to", filepath.Join(dir, "b.tar")); o.status == 0 ||
		!strings.Contains(o.stderr, "lies in the data directory") {
		t.Errorf("backup into itself: %+v", o)
	}
	for from, want := range map[string]int{file: 5, second: 10} {
		in := filepath.Join(t.TempDir(), "data")
		restored(t, from, in)
		r := serving(t, in, "orders")
		now := r.numbered("orders", 101, 108)
		if now.Offset != uint64(want)+8 {
			t.Errorf("%s goes on at %+v", from, now)
		}
		for _, at := range []receipt{five, ten} {
			if ids, lost := r.behind(at); !lost {
				t.Errorf("%s: a reader at %+v of a topic at %+v gets %v", from, at, now, ids)
			}
		}
		ids, _ := r.behind(receipt{Epoch: now.Epoch})
		if len(ids) != want+8 || ids[0] != "1" || ids[want-1] != fmt.Sprint(want) || ids[want] != "101" {
			t.Errorf("%s: it holds %v", from, ids)
		}
	}
}

// F5: a snapshot of a disk was put back, and the operator says so.
func TestRestore_InPlaceBeginsNewEpochs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := serving(t, dir, "orders")
	at := r.numbered("orders", 1, 3)
	if o := parley(t, nil, "restore", "--in-place", "--data", dir); o.status == 0 ||
		!strings.Contains(o.stderr, "in use") {
		t.Errorf("while it runs: %+v", o)
	}
	r.kill()
	if o := parley(t, nil, "restore", "--in-place", "--data", dir); o.status != 0 {
		t.Errorf("%+v", o)
	}
	r = serving(t, dir, "orders")
	if _, lost := r.behind(at); !lost {
		t.Error("a reader from before is not told")
	}
	for _, wrong := range [][]string{{"--data", dir}, {"--data", t.TempDir(), "--in-place"},
		{"--data", dir, "--in-place", "--from", "x"}} {
		if o := parley(t, nil, append([]string{"restore"}, wrong...)...); o.status == 0 || o.stderr == "" {
			t.Errorf("%v: %+v", wrong, o)
		}
	}
}

// A backup that is killed leaves no file under its name that is not whole; the one of before stays.
func TestBackup_KilledOnTheWayLeavesTheOneOfBefore(t *testing.T) {
	t.Parallel()
	dir, file := heavy(t), filepath.Join(t.TempDir(), "backup.tar")
	backedUp(t, dir, file)
	for round := range 8 {
		c := command(t, nil, "backup", "--data", dir, "--to", file)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "a part of the backup", func() bool {
			parts,
				_ := filepath.Glob(file + ".*.part")
			return len(parts) > round
		})
		time.Sleep(time.Duration(mathrand.IntN(30)) * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Verify(f); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		f.Close()
		if parts, _ := filepath.Glob(file + ".*.part"); len(parts) <= round { // it came to its end
			if err := os.WriteFile(fmt.Sprintf("%s.%d.part", file, round), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A server that is killed while it makes a backup: there is a whole one or none, and the server's next start finds its
// topics as they were, in the same epoch.
func TestBackup_TheServerIsKilledOnTheWay(t *testing.T) {
	t.Parallel()
	dir := heavy(t)
	at := receipt{}
	for round := range 4 {
		r := serving(t, dir, "orders")
		now := r.numbered("orders", 10+round, 10+round)
		if round > 0 && (now.Epoch != at.Epoch || now.Offset != at.Offset+1) {
			t.Fatalf("round %d: it goes on at %+v, was at %+v", round, now, at)
		}
		at = now
		file := filepath.Join(t.TempDir(), "backup.tar")
		c := command(t, nil, "backup", "--data", dir, "--to", file)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "a part of the backup", func() bool {
			parts,
				_ := filepath.Glob(file + ".*.part")
			return len(parts) > 0
		})
		time.Sleep(time.Duration(mathrand.IntN(60)) * time.Millisecond)
		r.kill()
		if err := c.Wait(); err == nil {
			if o := parley(t, nil, "restore", "--from", file, "--data",
				filepath.Join(t.TempDir(), "data")); o.status != 0 {
				t.Errorf("round %d: the backup is not whole: %+v", round, o)
			}
			continue
		}
		if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
			t.Errorf("round %d: left is %v", round, left)
		}
	}
}

// A restore that is killed leaves a directory with which no server starts, which says why, and which the next restore
// completes.
func TestRestore_KilledOnTheWayIsSaidAndDoneAgain(t *testing.T) {
	t.Parallel()
	file, dir := filepath.Join(t.TempDir(), "backup.tar"), filepath.Join(t.TempDir(), "data")
	backedUp(t, heavy(t), file)
	caught := 0
	for range 6 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		c := command(t, nil, "restore", "--from", file, "--data", dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the restore's first file", func() bool { return there(dir) })
		time.Sleep(time.Duration(mathrand.IntN(10)) * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
		if backup.Unfinished(dir) == nil {
			continue // it was faster
		}
		caught++
		o := parley(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_TOPICS_DURABLE=orders"}, "serve", "--dev",
			"--listen", "127.0.0.1:0", "--data", dir)
		if o.status == 0 || !strings.Contains(o.stderr, "was not finished; run it again") {
			t.Fatalf("a server starts with it: %+v", o)
		}
	}
	if caught == 0 {
		t.Fatal("no restore was caught on its way")
	}
	if backup.Unfinished(dir) != nil {
		restored(t, file, dir)
	}
	r := serving(t, dir, "orders")
	if now := r.numbered("orders", 101, 101); now.Offset != 4 {
		t.Errorf("it goes on at %+v", now)
	}
}

// heavy is a data directory of a server that has ended, with some MiB beside its topics.
func heavy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	r := serving(t, dir, "orders")
	r.numbered("orders", 1, 3)
	r.kill()
	some := make([]byte, 1<<20)
	for i := range 24 {
		_, _ = rand.Read(some)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("z%02d", i)), some, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// there reports whether something is in a directory.
func there(dir string) bool {
	entries, err := os.ReadDir(dir)
	return !errors.Is(err, fs.ErrNotExist) && len(entries) > 1
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come within %s", what, patience)
		}
	}
}

// A target without room: a clear error, nothing half, and the server that makes the backup goes on. The limit of a
// file's size stands for a disk that is full.
func TestBackup_WithoutRoomSaysSoAndHarmsNobody(t *testing.T) {
	t.Parallel()
	dir, out := filepath.Join(t.TempDir(), "data"), t.TempDir()
	r := serving(t, dir, "orders")
	r.numbered("orders", 1, 3)
	c := command(t, nil, "backup", "--data", dir, "--to", filepath.Join(out, "b.tar"))
	limited := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 4; trap "" XFSZ; exec "$0" "$@"`)
	limited.Args, limited.Env = append(limited.Args, c.Args...), c.Env
	said, err := limited.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "file too large") {
		t.Errorf("%v: %s", err, said)
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
	if now := r.numbered("orders", 4, 4); now.Offset != 4 {
		t.Errorf("it goes on at %+v", now)
	}
	backedUp(t, dir, filepath.Join(out, "b.tar"))
}
