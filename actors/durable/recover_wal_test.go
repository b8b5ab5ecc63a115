package durable

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// damagedLogs are files of a store's directory in memory: logs 4 to 7, none of which can be read, and one that was put
// aside before.
func damagedLogs(t *testing.T) (fs vfs.FS, logs wal.Logs) {
	t.Helper()
	fs = vfs.NewMem()
	put := func(name, content string) {
		f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = f.Write([]byte(content))
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"data", "data/" + damagedDir} {
		if err := fs.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put("data/"+damagedDir+"/000001.log", "from before")
	for i := 4; i <= 7; i++ {
		put(fmt.Sprintf("data/00000%d.log", i), fmt.Sprintf("log number %d", i))
	}
	logs, err := wal.Scan(wal.Dir{FS: fs, Dirname: "data"})
	if err != nil || len(logs) != 4 {
		t.Fatalf("%d logs: %v", len(logs), err)
	}
	return fs, logs
}

// wantFiles fails unless there are these files, by name and content, and no others.
func wantFiles(t *testing.T, fs vfs.FS, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, dir := range []string{"data", "data/" + damagedDir} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if f, err := fs.Open(dir + "/" + name); err == nil && strings.Contains(name, ".") {
				b, _ := io.ReadAll(f)
				got[dir+"/"+name] = string(b)
				_ = f.Close()
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}

// F47: a damaged log is cut in front of the damage, newer ones go, older ones stay. All that goes is put aside, and
// replaces what was put aside before.
func TestRecoverWAL_CutsOneLogAndDropsWhatIsNewer(t *testing.T) {
	fs, logs := damagedLogs(t)
	if err := cutWALs(fs, "data", logs[1:], 3); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, fs, map[string]string{
		"data/000004.log": "log number 4", "data/000005.log": "log", "data/damaged/000005.log": "log number 5",
		"data/damaged/000006.log": "log number 6", "data/damaged/000007.log": "log number 7",
	})
}

// F47: the log that the store's error names is cut, and no other.
func TestRecoverWAL_CutsTheLogThatIsNamed(t *testing.T) {
	fs, _ := damagedLogs(t)
	before := map[string]string{"data/damaged/000001.log": "from before"}
	for i := 4; i <= 7; i++ {
		before[fmt.Sprintf("data/00000%d.log", i)] = fmt.Sprintf("log number %d", i)
	}
	for _, openErr := range []string{"something else", "replaying wal 9"} {
		if cut, err := recoverWAL(fs, "data", errors.New(openErr), slog.New(slog.DiscardHandler)); cut || err != nil {
			t.Errorf("%s: cut %t, %v", openErr, cut, err)
		}
		wantFiles(t, fs, before)
	}
	openErr := fmt.Errorf("pebble: %w", errors.New("replaying wal 5: invalid chunk"))
	cut, err := recoverWAL(fs, "data", openErr, slog.New(slog.DiscardHandler))
	if !cut || err != nil {
		t.Fatalf("cut %t, %v", cut, err)
	}
	wantFiles(t, fs, map[string]string{
		"data/000004.log": "log number 4", "data/000005.log": "", "data/damaged/000005.log": "log number 5",
		"data/damaged/000006.log": "log number 6", "data/damaged/000007.log": "log number 7",
	})
}
